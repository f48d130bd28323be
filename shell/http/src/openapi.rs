//! The OpenAPI 3.1 document of the API: made from the routes themselves, completed with what all of them
//! have in common, and written in one reproducible form.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    Response, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use bartizan_protocol::api::Problem;

use crate::problem::MEDIA_TYPE;
use crate::routes;

/// The document as it is checked into `api/`: JSON, indented by two, with a final line break.
pub fn openapi_json() -> String {
    let mut text = document()
        .to_pretty_json()
        .expect("the document has string keys only");
    text.push('\n');
    text
}

/// The document.
pub(crate) fn document() -> OpenApi {
    let (paths, schemas) = routes::described();
    let mut document = frame();
    document.paths = paths;
    let components = document.components.get_or_insert_default();
    components.schemas.extend(schemas);
    for item in document.paths.paths.values_mut() {
        operations(item).into_iter().flatten().for_each(complete);
    }
    document
}

/// What stands around the routes.
fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Bartizan gateway")
        .version("1")
        .description(Some(
            "Everything that a member's app asks of a gateway, on the LAN and through the cloud alike. \
             Every answer carries a DPoP-Nonce for the next proof; errors are problem documents (RFC 9457).",
        ))
        .build();
    let token = ApiKeyValue::with_description(
        "Authorization",
        "`DPoP TOKEN` (RFC 9449), with a proof of the device's key in the DPoP header: ES256, with the \
         server's nonce and the token's hash.",
    );
    let mut components = Components::new();
    components.add_security_scheme("dpop", SecurityScheme::ApiKey(ApiKey::Header(token)));
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

fn operations(item: &mut PathItem) -> [Option<&mut Operation>; 5] {
    [
        item.get.as_mut(),
        item.put.as_mut(),
        item.post.as_mut(),
        item.patch.as_mut(),
        item.delete.as_mut(),
    ]
}

/// Adds the problems that follow from what an operation takes.
fn complete(operation: &mut Operation) {
    let always: &[u16] = &[403, 404, 421, 500, 503];
    let with_token: &[u16] = &[401];
    let with_body: &[u16] = &[400, 408, 413, 415, 422];
    let with_parameters: &[u16] = &[400];
    let mut statuses = always.to_vec();
    if operation.security.is_some() {
        statuses.extend(with_token);
    }
    if operation.request_body.is_some() {
        statuses.extend(with_body);
    }
    if operation
        .parameters
        .as_ref()
        .is_some_and(|all| !all.is_empty())
    {
        statuses.extend(with_parameters);
    }
    let declared = operation.responses.responses.keys();
    statuses.extend(
        declared
            .filter_map(|status| status.parse().ok())
            .filter(|status: &u16| *status >= 400),
    );
    for status in statuses {
        let problem = RefOr::T(problem(status));
        operation
            .responses
            .responses
            .insert(status.to_string(), problem);
    }
}

fn problem(status: u16) -> Response {
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let schema = Ref::from_schema_name(Problem::name());
    ResponseBuilder::new()
        .description(reason.unwrap_or("Problem"))
        .content(
            MEDIA_TYPE,
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_is_the_same_each_time_and_complete() {
        let text = openapi_json();
        assert_eq!(text, openapi_json());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["openapi"], "3.1.0");
        let mut named = BTreeSet::new();
        references(&value, &mut named);
        for name in named {
            let name = name.strip_prefix("#/components/schemas/").unwrap();
            assert!(value["components"]["schemas"][name].is_object(), "{name}");
        }
    }

    fn references(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(serde_json::Value::String(name)) = map.get("$ref") {
                    found.insert(name.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            serde_json::Value::Array(list) => {
                for value in list {
                    references(value, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_operation_tells_its_problems() {
        let mut operations_seen = 0;
        for (path, item) in &mut document().paths.paths {
            for operation in operations(item).into_iter().flatten() {
                operations_seen += 1;
                let statuses: Vec<_> = operation.responses.responses.keys().cloned().collect();
                for wanted in ["403", "404", "421", "500", "503"] {
                    assert!(
                        statuses.iter().any(|status| status == wanted),
                        "{path} {wanted}"
                    );
                }
                let guarded = operation.security.is_some();
                assert!(
                    !guarded || statuses.iter().any(|status| status == "401"),
                    "{path}"
                );
                assert!(operation.summary.is_some(), "{path}");
            }
        }
        assert_eq!(operations_seen, 41);
    }
}
