//! XMP (ISO 16684-1): properties in XML, as Photoshop, exiftool and some generators write
//! them, the AI properties of IPTC among them (IPTC Photo Metadata 2025.1).

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::exif::utf16;
use super::fields::{self, Fields};
use super::piece::{Piece, Place};
use crate::claim::NewClaim;

const RDF: &[u8] = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XML: &[u8] = b"http://www.w3.org/XML/1998/namespace";

/// Prefixes by which properties are called here, whatever the file calls them.
const PREFIXES: &[(&str, &str)] = &[
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/xap/1.0/mm/", "xmpMM"),
    ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"),
    ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt"),
    (
        "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
        "Iptc4xmpCore",
    ),
    ("http://ns.useplus.org/ldf/xmp/1.0/", "plus"),
    ("adobe:ns:meta/", "x"),
];

const NAMES: &[(&str, &str)] = &[
    ("Iptc4xmpExt:AIPromptInformation", fields::PROMPT),
    ("Iptc4xmpExt:AISystemUsed", fields::MODEL),
    ("xmp:CreatorTool", fields::SOFTWARE),
    ("xmp:CreateDate", fields::CREATED_AT),
];

/// How deep elements nest, how many properties there are and how many elements are looked at.
const MAX_DEPTH: usize = 32;
const MAX_PROPERTIES: usize = 1000;
const MAX_EVENTS: usize = 200_000;

/// What an XMP document says.
#[derive(Debug, Default)]
pub(super) struct Xmp {
    /// The properties, by names like `dc:title`; those of structures are like
    /// `Iptc4xmpExt:LocationShown/Iptc4xmpExt:City`. One that has several values comes again.
    pub(super) properties: Vec<Piece>,
    pub(super) problem: Option<&'static str>,
}

/// Makes the claim of properties.
pub(super) fn claim(xmp: &Xmp, text: String) -> NewClaim {
    let mut fields = Fields::new();
    for Piece { name, text } in &xmp.properties {
        match NAMES.iter().find(|(theirs, _)| theirs == name) {
            Some((_, ours)) => fields.set(ours, text.as_str()),
            None => fields.add_other(name, text.as_str()),
        }
    }
    xmp.problem
        .into_iter()
        .for_each(|problem| fields.problem(problem));
    fields.into_claim_of("xmp", Place::Xmp, text)
}

/// Returns the document as text.
pub(super) fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, ..] => utf16(bytes, false),
        [0xff, 0xfe, ..] => utf16(bytes, true),
        _ => {
            let text = String::from_utf8_lossy(bytes);
            text.trim_matches(['\0', '\u{feff}']).to_owned()
        }
    }
}

/// Reads a document, as far as it is one.
pub(super) fn read(text: &str) -> Xmp {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut reading = Reading::default();
    let read = (0..MAX_EVENTS).find_map(|_| reading.next(&mut reader));
    let problem = match read {
        Some(Ok(())) => None,
        Some(Err(problem)) => Some(problem),
        None => Some("too long to be read to its end"),
    };
    let mut xmp = reading.xmp;
    xmp.problem = problem;
    xmp
}

#[derive(Default)]
struct Reading {
    xmp: Xmp,
    /// The elements around, by their names; those of RDF itself are `None`.
    path: Vec<Option<String>>,
    text: String,
}

impl Reading {
    /// Reads on; returns how it ended when it did.
    fn next(&mut self, reader: &mut NsReader<&[u8]>) -> Option<Result<(), &'static str>> {
        match reader.read_event() {
            Err(_) => return Some(Err("not XML from here on")),
            Ok(Event::Eof) => return Some(Ok(())),
            Ok(Event::Start(element)) => {
                self.begin(reader, &element);
                if self.path.len() > MAX_DEPTH {
                    return Some(Err("nests too deep"));
                }
            }
            Ok(Event::Empty(element)) => {
                self.begin(reader, &element);
                self.end();
            }
            Ok(Event::End(_)) => self.end(),
            Ok(Event::Text(text)) => {
                let text = text.decode();
                self.text.push_str(&text.unwrap_or_default());
            }
            Ok(Event::CData(text)) => {
                let text = text.decode();
                self.text.push_str(&text.unwrap_or_default());
            }
            Ok(Event::GeneralRef(reference)) => self.refer(&reference),
            // What a document type declares is not expanded.
            Ok(_) => {}
        }
        (self.xmp.properties.len() >= MAX_PROPERTIES)
            .then_some(Err("more properties than are read"))
    }

    fn begin(&mut self, reader: &NsReader<&[u8]>, element: &BytesStart<'_>) {
        let (namespace, local) = reader.resolver().resolve_element(element.name());
        self.text.clear();
        self.path
            .push(name(&namespace, local.as_ref(), element.name().as_ref()));
        for attribute in element.attributes().flatten() {
            let key = attribute.key;
            let (namespace, local) = reader.resolver().resolve_attribute(key);
            let is_declaration = key.as_namespace_binding().is_some();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.unwrap_or_default();
            let is_xml = matches!(namespace, ResolveResult::Bound(n) if n.as_ref() == XML);
            if is_declaration || is_xml {
                continue;
            }
            match name(&namespace, local.as_ref(), key.as_ref()) {
                None if local.as_ref() == b"resource" => self.add(None, &value),
                None => {}
                // An attribute of the element that holds it all says who wrote it.
                Some(_)
                    if self
                        .path
                        .last()
                        .is_some_and(|name| is_wrapper(name.as_ref())) => {}
                Some(name) => self.add(Some(&name), &value),
            }
        }
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.add(None, text.trim());
        }
        self.path.pop();
    }

    fn refer(&mut self, reference: &BytesRef<'_>) {
        if let Ok(Some(c)) = reference.resolve_char_ref() {
            self.text.push(c);
            return;
        }
        let name = reference.decode().unwrap_or_default();
        if let Some(text) = resolve_predefined_entity(&name) {
            self.text.push_str(text);
        } else {
            self.text.push('&');
            self.text.push_str(&name);
            self.text.push(';');
        }
    }

    /// Adds a value of the property around, or of one within it.
    fn add(&mut self, inner: Option<&str>, value: &str) {
        let around = self.path.iter().flatten().map(String::as_str);
        let names = around.filter(|name| !is_wrapper(Some(*name))).chain(inner);
        let name = names.collect::<Vec<_>>().join("/");
        if !name.is_empty() && !value.is_empty() && self.xmp.properties.len() < MAX_PROPERTIES {
            let text = value.to_owned();
            self.xmp.properties.push(Piece { name, text });
        }
    }
}

fn is_wrapper(name: Option<impl AsRef<str>>) -> bool {
    name.is_some_and(|name| matches!(name.as_ref(), "x:xmpmeta" | "x:xapmeta"))
}

/// Names an element or attribute; `None` for those of RDF.
fn name(namespace: &ResolveResult<'_>, local: &[u8], as_written: &[u8]) -> Option<String> {
    let local = String::from_utf8_lossy(local);
    let ResolveResult::Bound(namespace) = namespace else {
        return Some(String::from_utf8_lossy(as_written).into_owned());
    };
    if namespace.as_ref() == RDF {
        return None;
    }
    let known = PREFIXES
        .iter()
        .find(|(uri, _)| uri.as_bytes() == namespace.as_ref());
    Some(match known {
        Some((_, prefix)) => format!("{prefix}:{local}"),
        None => String::from_utf8_lossy(as_written).into_owned(),
    })
}
