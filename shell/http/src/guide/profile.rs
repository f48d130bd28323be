//! The authority's certificate as a configuration profile for devices of Apple (Configuration Profile Reference,
//! `com.apple.security.root`). Unsigned: who installs it compares the fingerprint.

use bartizan_identity::key::sha256;
use bytes::Bytes;
use data_encoding::{BASE64, HEXUPPER};

/// The profile. Its identifiers follow from the certificate, so that installing it again replaces it.
pub(super) fn apple(certificate: &[u8]) -> Bytes {
    let id = |what: &str| uuid(&[what.as_bytes(), certificate]);
    let (whole, part) = (id("profile"), id("certificate"));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadCertificateFileName</key>
			<string>bartizan-ca.crt</string>
			<key>PayloadContent</key>
			<data>{data}</data>
			<key>PayloadDisplayName</key>
			<string>Bartizan site authority</string>
			<key>PayloadIdentifier</key>
			<string>org.bartizan.site-authority.{part}</string>
			<key>PayloadType</key>
			<string>com.apple.security.root</string>
			<key>PayloadUUID</key>
			<string>{part}</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
		</dict>
	</array>
	<key>PayloadDescription</key>
	<string>Lets this device trust your Bartizan gateway, and no website on the Internet.</string>
	<key>PayloadDisplayName</key>
	<string>Bartizan gateway</string>
	<key>PayloadIdentifier</key>
	<string>org.bartizan.site-authority.{whole}</string>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>{whole}</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#,
        data = BASE64.encode(certificate),
    )
    .into()
}

/// A name-based UUID (RFC 9562 §5.8, version 8).
fn uuid(parts: &[&[u8]]) -> String {
    let digest = sha256(parts);
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(digest.as_bytes())
        .for_each(|(to, from)| *to = *from);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = HEXUPPER.encode(&bytes);
    let cuts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let groups: Vec<_> = cuts
        .iter()
        .filter_map(|(from, to)| text.get(*from..*to))
        .collect();
    groups.join("-")
}
