//! TypeScript types of the API's documents, made from the schemas of `api/gateway.json`: types only, no code, so
//! that the app and the gateway can't come to mean different documents.
//!
//! Only what the schemas use is understood; anything else fails, instead of becoming `unknown`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// Where references in the document point to.
const SCHEMAS: &str = "#/components/schemas/";

/// Columns of a line of the app's sources.
const COLUMNS: usize = 100;

/// Formats of texts that the app has types of its own for (`web/src/domain/id.ts`).
const IDS: [(&str, &str); 6] = [
    ("camera-id", "CameraId"),
    ("device-id", "DeviceId"),
    ("fingerprint", "Fingerprint"),
    ("hash", "Hash"),
    ("member-id", "MemberId"),
    ("site-id", "SiteId"),
];

/// Schemas that are called like something else in a browser.
const RENAMED: [(&str, &str); 1] = [("Blob", "Blob64")];

/// The whole file.
pub(crate) fn typescript(openapi: &str) -> Result<String> {
    let document: Value = serde_json::from_str(openapi).context("the OpenAPI document")?;
    let schemas = document.pointer("/components/schemas");
    let schemas = schemas
        .and_then(Value::as_object)
        .context("the document has no schemas")?;
    let mut writer = Writer::default();
    for (name, schema) in schemas {
        writer
            .declare(name, schema)
            .with_context(|| format!("the schema {name}"))?;
    }
    Ok(writer.finish())
}

/// The declarations so far, and the types that they take from elsewhere.
#[derive(Debug, Default)]
struct Writer {
    text: String,
    ids: BTreeSet<&'static str>,
}

impl Writer {
    fn finish(self) -> String {
        let mut head = String::from(
            "// Documents of the HTTP API, written by `cargo xtask gen` from the schemas of `api/gateway.json`: change\n\
             // `core/protocol/src/api.rs` instead. Types only; what answers hold is checked where it is used.\n",
        );
        if !self.ids.is_empty() {
            let ids: Vec<_> = self.ids.into_iter().collect();
            let line = format!(
                "import type {{ {} }} from \"../../domain/id.ts\";",
                ids.join(", ")
            );
            let long = format!(
                "import type {{\n  {},\n}} from \"../../domain/id.ts\";",
                ids.join(",\n  ")
            );
            let import = if line.len() <= COLUMNS { line } else { long };
            head.extend(["\n", &import, "\n"]);
        }
        head + &self.text
    }

    fn declare(&mut self, name: &str, schema: &Value) -> Result<()> {
        let name = renamed(name);
        if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
            if variants.iter().any(|one| kind(one) == Some("null")) {
                return self.nullable(name, schema);
            }
            return self.union(name, schema, variants);
        }
        if schema.get("properties").is_some() {
            return self.interface(name, schema);
        }
        let meaning = self.meaning(schema)?;
        self.comment("", schema);
        self.alias(name, &meaning);
        Ok(())
    }

    /// What has a name of its own means something by `null`.
    fn nullable(&mut self, name: &str, schema: &Value) -> Result<()> {
        let mut alternatives = self.meaning(schema)?;
        alternatives.push("null".to_owned());
        self.comment("", schema);
        self.alias(name, &alternatives);
        Ok(())
    }

    /// Objects that differ by one property with a single value; each becomes an interface.
    fn union(&mut self, name: &str, schema: &Value, variants: &[Value]) -> Result<()> {
        let mut names = Vec::new();
        for variant in variants {
            let variant_name = format!("{name}{}", capitalised(constant(variant)?));
            self.interface(&variant_name, variant)?;
            names.push(variant_name);
        }
        self.comment("", schema);
        self.alias(name, &names);
        Ok(())
    }

    fn interface(&mut self, name: &str, schema: &Value) -> Result<()> {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.unwrap_or(&empty);
        let mut fields = Vec::new();
        for (field, schema) in properties {
            let meaning = self
                .meaning(schema)
                .with_context(|| format!("field {field}"))?;
            fields.push((field, schema, meaning.join(" | ")));
        }
        let required: BTreeSet<_> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.comment("", schema);
        writeln!(self.text, "export interface {name} {{")?;
        for (field, schema, meaning) in fields {
            self.comment("  ", schema);
            let optional = if required.contains(field.as_str()) {
                ""
            } else {
                "?"
            };
            writeln!(self.text, "  readonly {field}{optional}: {meaning};")?;
        }
        writeln!(self.text, "}}")?;
        Ok(())
    }

    /// The alternatives that a value can be. Absence is the field's; `null` is what a schema with a name says.
    fn meaning(&mut self, schema: &Value) -> Result<Vec<String>> {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let name = target
                .strip_prefix(SCHEMAS)
                .context("a foreign reference")?;
            return Ok(vec![renamed(name).to_owned()]);
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Ok(values.iter().map(Value::to_string).collect());
        }
        if let Some(one) = schema.get("oneOf").and_then(Value::as_array) {
            let some = one.iter().filter(|schema| kind(schema) != Some("null"));
            let all = some.map(|schema| self.meaning(schema));
            return Ok(all.collect::<Result<Vec<_>>>()?.concat());
        }
        let written = match kind(schema).context("a schema without a type")? {
            "boolean" => "boolean".to_owned(),
            "integer" | "number" => "number".to_owned(),
            "string" => self.text_type(schema),
            "array" => {
                let items = schema.get("items").context("an array of what?")?;
                match &self.meaning(items)?[..] {
                    [one] => format!("readonly {one}[]"),
                    several => format!("readonly ({})[]", several.join(" | ")),
                }
            }
            "object" => "Readonly<Record<string, unknown>>".to_owned(),
            other => bail!("the type {other} is not understood"),
        };
        Ok(vec![written])
    }

    fn text_type(&mut self, schema: &Value) -> String {
        let format = schema.get("format").and_then(Value::as_str);
        let id = IDS.iter().find(|(name, _)| Some(*name) == format);
        let Some((_, id)) = id else {
            return "string".to_owned();
        };
        self.ids.insert(id);
        (*id).to_owned()
    }

    fn alias(&mut self, name: &str, alternatives: &[String]) {
        let line = format!("export type {name} = {};\n", alternatives.join(" | "));
        if line.len() <= COLUMNS + 1 {
            self.text += &line;
            return;
        }
        let lines = alternatives.join("\n  | ");
        let text = format!("export type {name} =\n  | {lines};\n");
        self.text += &text;
    }

    /// A doc comment; before a declaration also an empty line.
    fn comment(&mut self, indent: &str, schema: &Value) {
        if indent.is_empty() {
            self.text.push('\n');
        }
        // The description of a nullable reference stands inside.
        let inside = schema.get("oneOf").and_then(|one| one.get(0));
        let own = schema
            .get("description")
            .or_else(|| inside?.get("description"));
        let Some(text) = own.and_then(Value::as_str) else {
            return;
        };
        let text = text.replace("*/", "* /");
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        let text = if let [line] = lines[..] {
            format!("{indent}/** {line} */\n")
        } else {
            let body = lines.join(&format!("\n{indent} * "));
            format!("{indent}/**\n{indent} * {body}\n{indent} */\n")
        };
        self.text += &text;
    }
}

/// A schema's type; of a nullable one, what it is when it is there.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        _ => None,
    }
}

/// The single value by which a variant is recognised.
fn constant(variant: &Value) -> Result<&str> {
    let properties = variant.get("properties").and_then(Value::as_object);
    let mut constants = properties.into_iter().flatten().filter_map(|(_, schema)| {
        match schema.get("enum").and_then(Value::as_array)?.as_slice() {
            [only] => only.as_str(),
            _ => None,
        }
    });
    constants
        .next()
        .context("a variant that nothing tells apart")
}

fn renamed(name: &str) -> &str {
    let other = RENAMED.iter().find(|(own, _)| *own == name);
    other.map_or(name, |(_, other)| other)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(schemas: &Value) -> Result<String> {
        typescript(&json!({ "components": { "schemas": schemas } }).to_string())
    }

    #[test]
    fn documents_become_interfaces() {
        let text = written(&json!({
            "Blob": { "type": "string", "description": "Bytes." },
            "Camera": {
                "type": "object",
                "description": "A camera.\nSeen by viewers.",
                "required": ["id", "tracks"],
                "properties": {
                    "id": { "type": "string", "format": "camera-id", "description": "Its id." },
                    "tracks": { "type": "array", "items": { "$ref": "#/components/schemas/Blob" } },
                    "alert": { "type": ["string", "null"] },
                    "size": { "oneOf": [
                        { "$ref": "#/components/schemas/Blob", "description": "Its size." },
                        { "type": "null" },
                    ] },
                },
            },
        }));
        let expected = r#"
import type { CameraId } from "../../domain/id.ts";

/** Bytes. */
export type Blob64 = string;

/**
 * A camera.
 * Seen by viewers.
 */
export interface Camera {
  readonly alert?: string;
  /** Its id. */
  readonly id: CameraId;
  /** Its size. */
  readonly size?: Blob64;
  readonly tracks: readonly Blob64[];
}
"#;
        assert!(text.unwrap().ends_with(expected));
    }

    #[test]
    fn null_is_written_where_a_schema_of_its_own_says_so() {
        let text = written(&json!({ "SizeOrNone": {
            "description": "A size, or `null` for none.",
            "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Size" }],
        } }));
        let expected =
            "/** A size, or `null` for none. */\nexport type SizeOrNone = Size | null;\n";
        assert!(text.as_deref().unwrap().ends_with(expected), "{text:?}");
    }

    #[test]
    fn choices_become_unions() {
        let state = |name: &str| json!({ "type": "string", "enum": [name] });
        let text = written(&json!({ "Status": { "oneOf": [
            { "type": "object", "required": ["state"], "properties": { "state": state("on") } },
            { "type": "object", "required": ["state"], "properties": { "state": state("off") } },
        ] } }));
        let text = text.unwrap();
        assert!(
            text.contains("export type Status = StatusOn | StatusOff;\n"),
            "{text}"
        );
        assert!(text.contains("export interface StatusOff {\n  readonly state: \"off\";\n}\n"));
        let names: Vec<_> = (0..20).map(|number| format!("name-{number}")).collect();
        let text = written(&json!({ "Long": { "type": "string", "enum": names } })).unwrap();
        assert!(
            text.contains("export type Long =\n  | \"name-0\"\n  | \"name-1\"\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_understood_fails() {
        for schema in [
            json!({}),
            json!({ "type": "null" }),
            json!({ "type": "array" }),
            json!({ "$ref": "elsewhere.json" }),
            json!({ "oneOf": [{ "type": "object", "properties": {} }] }),
        ] {
            assert!(written(&json!({ "Strange": schema })).is_err(), "{schema}");
        }
    }
}
