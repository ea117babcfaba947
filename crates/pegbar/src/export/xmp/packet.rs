//! The text of an XMP packet: RDF in XML (ISO 16684-1, 7), with the properties of the IPTC Photo
//! Metadata Standard 2025.1 for generated images.

use std::collections::HashSet;
use std::fmt::Write as _;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::asset::Asset;
use crate::export::NAMESPACE;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const IPTC_EXT: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
const XMP_MM: &str = "http://ns.adobe.com/xap/1.0/mm/";
const RESOURCE_REF: &str = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#";
const XMP_NOTE: &str = "http://ns.adobe.com/xmp/note/";

/// Made by a model, all of it. Whether an input is still to be seen in the image, nobody
/// recorded: so it is not called a composite.
const GENERATED: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/// What a copy says of its image: only what is recorded.
pub(in crate::export) struct Statement<'a> {
    properties: Vec<Property<'a>>,
}

struct Property<'a> {
    namespace: &'static str,
    prefix: &'static str,
    name: &'static str,
    value: Value<'a>,
}

enum Value<'a> {
    Text(String),
    Long(&'a str),
    /// References to other images, by their ids.
    Ingredients(Vec<String>),
}

/// A packet with something added.
pub(super) enum Merged<'a> {
    New(Merge<'a>),
    /// Nothing had to be added.
    SaysSo,
}

/// The parts of a packet.
pub(super) struct Merge<'a> {
    before: String,
    about: String,
    added: Vec<&'a Property<'a>>,
    after: String,
    is_extended: bool,
}

impl<'a> Statement<'a> {
    /// Says what is recorded of a generated asset; `None` for an upload, of which nothing is.
    pub(in crate::export) fn of(asset: &'a Asset, prompt_writer: Option<&str>) -> Option<Self> {
        let prompt = asset.generation_prompt.as_deref();
        if prompt.is_none() && asset.model.is_none() {
            return None;
        }
        let iptc = |name, value| Property {
            namespace: IPTC_EXT,
            prefix: "Iptc4xmpExt",
            name,
            value,
        };
        let own = |name, value| Property {
            namespace: NAMESPACE,
            prefix: "pegbar",
            name,
            value,
        };
        let id = asset.id;
        let mut properties = vec![
            iptc("DigitalSourceType", Value::Text(GENERATED.to_owned())),
            iptc("DigImageGUID", Value::Text(format!("urn:uuid:{id}"))),
        ];
        properties.extend(prompt.map(|text| iptc("AIPromptInformation", Value::Long(text))));
        let mut add = |name, text: Option<&str>| {
            properties.extend(text.map(|text| iptc(name, Value::Text(text.to_owned()))));
        };
        add(
            "AIPromptWriterName",
            prompt_writer.filter(|_| prompt.is_some()),
        );
        add("AISystemUsed", asset.model.as_deref());
        add("AISystemVersionUsed", model_version(asset));
        let system_prompt = asset.generation_system_prompt.as_deref();
        properties.extend(system_prompt.map(|text| own("systemPrompt", Value::Long(text))));
        let hash = asset.record_hash.map(|hash| hash.to_string());
        properties.extend(hash.map(|hash| own("recordHash", Value::Text(hash))));
        let hash = asset.sha256.map(|hash| hash.to_string());
        properties.extend(hash.map(|hash| own("sha256", Value::Text(hash))));
        if !asset.references.is_empty() {
            let inputs = asset.references.iter();
            let inputs = inputs.map(|input| format!("urn:uuid:{}", input.asset_id));
            properties.push(Property {
                namespace: XMP_MM,
                prefix: "xmpMM",
                name: "Ingredients",
                value: Value::Ingredients(inputs.collect()),
            });
        }
        Some(Self { properties })
    }

    /// Adds it to a packet, or begins one. What the packet says of the same properties stays.
    pub(super) fn merged_into(&self, packet: Option<&[u8]>) -> Result<Merged<'_>, String> {
        let Some(packet) = packet else {
            return Ok(Merged::New(Merge {
                before: format!(
                    "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
                     <x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"Pegbar {}\">\n\
                     <rdf:RDF xmlns:rdf=\"{RDF}\">\n",
                    env!("CARGO_PKG_VERSION")
                ),
                about: String::new(),
                added: self.properties.iter().collect(),
                after: "</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>".to_owned(),
                is_extended: false,
            }));
        };
        let text = std::str::from_utf8(packet).map_err(|_| "its XMP is not UTF-8")?;
        let found = Packet::read(text).map_err(|reason| format!("its XMP {reason}"))?;
        let is_new = |property: &&Property<'_>| {
            let name = (property.namespace.to_owned(), property.name.to_owned());
            !found.names.contains(&name)
        };
        let added: Vec<&Property<'_>> = self.properties.iter().filter(is_new).collect();
        if added.is_empty() {
            return Ok(Merged::SaysSo);
        }
        let (before, after) = text.split_at(found.end);
        Ok(Merged::New(Merge {
            before: before.to_owned(),
            about: found.about,
            added,
            after: after.to_owned(),
            is_extended: found.is_extended,
        }))
    }
}

/// The version of the model, where the request named one.
fn model_version(asset: &Asset) -> Option<&str> {
    let settings = asset.generation_settings.as_ref()?;
    let version = settings
        .get("modelVersion")
        .or_else(|| settings.get("model_version"));
    version?.as_str()
}

impl Merge<'_> {
    /// Returns the whole packet.
    pub(super) fn packet(&self) -> String {
        self.with(&self.description(None, ""))
    }

    /// Returns the packet without long texts, which says where those are.
    pub(super) fn packet_beside_extension(&self, guid: &str) -> String {
        let note = format!(
            "<xmpNote:HasExtendedXMP xmlns:xmpNote=\"{XMP_NOTE}\">{guid}</xmpNote:HasExtendedXMP>\n"
        );
        self.with(&self.description(Some(false), &note))
    }

    /// Returns the second packet (XMP part 3, 1.1.3.1), with the long texts.
    pub(super) fn extension(&self) -> Result<String, String> {
        if self.is_extended {
            return Err("its own XMP has a second part already".to_owned());
        }
        let description = self.description(Some(true), "");
        Ok(format!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">\n\
             {description}</rdf:RDF></x:xmpmeta>"
        ))
    }

    fn with(&self, description: &str) -> String {
        [&self.before, description, &self.after].concat()
    }

    /// Writes what is added: all of it, or only what is long or is not.
    fn description(&self, long: Option<bool>, more: &str) -> String {
        let mut text = format!(
            "<rdf:Description xmlns:rdf=\"{RDF}\" rdf:about=\"{}\"\n \
             xmlns:Iptc4xmpExt=\"{IPTC_EXT}\"\n xmlns:xmpMM=\"{XMP_MM}\"\n \
             xmlns:stRef=\"{RESOURCE_REF}\"\n xmlns:pegbar=\"{NAMESPACE}\">\n",
            self.about
        );
        let is_meant =
            |property: &&&Property<'_>| long.is_none_or(|long| property.is_long() == long);
        for property in self.added.iter().filter(is_meant) {
            property.write(&mut text);
        }
        text += more;
        text += "</rdf:Description>\n";
        text
    }
}

impl Property<'_> {
    fn is_long(&self) -> bool {
        matches!(self.value, Value::Long(_))
    }

    fn write(&self, out: &mut String) {
        let Self { prefix, name, .. } = self;
        // Writing to a String cannot fail.
        let _ = write!(out, "<{prefix}:{name}>");
        match &self.value {
            Value::Text(text) => escape(text, out),
            Value::Long(text) => escape(text, out),
            Value::Ingredients(ids) => {
                out.push_str("<rdf:Bag>");
                for id in ids {
                    let _ = write!(
                        out,
                        "<rdf:li rdf:parseType=\"Resource\"><stRef:documentID>{id}\
                         </stRef:documentID></rdf:li>"
                    );
                }
                out.push_str("</rdf:Bag>");
            }
        }
        let _ = writeln!(out, "</{prefix}:{name}>");
    }
}

/// Writes text into XML. What XML has no way to write (XML 1.0, 2.2) becomes U+FFFD.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Bare, readers make a line feed of it.
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
}

/// What a packet has, as far as it matters for adding to it.
struct Packet {
    /// Where the last element of its RDF ends.
    end: usize,
    /// What its descriptions are about, as it is written.
    about: String,
    /// The namespaces and names of its properties.
    names: HashSet<(String, String)>,
    is_extended: bool,
}

impl Packet {
    /// Reads a packet, without expanding anything in it; says what is wrong otherwise.
    fn read(text: &str) -> Result<Self, String> {
        let mut reader = NsReader::from_str(text);
        let mut packet = Self {
            end: 0,
            about: String::new(),
            names: HashSet::new(),
            is_extended: false,
        };
        let mut depth = 0_usize;
        // How deep the element rdf:RDF is.
        let mut rdf = None;
        loop {
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let event = reader.read_event();
            let event = event.map_err(|error| format!("is not well-formed: {error}"))?;
            match event {
                Event::Start(start) => {
                    depth += 1;
                    if rdf.is_none() && is_rdf(&reader, &start, b"RDF") {
                        rdf = Some(depth);
                    } else if let Some(rdf) = rdf {
                        packet.see(&reader, &start, depth - rdf)?;
                    }
                }
                Event::Empty(empty) => {
                    if let Some(rdf) = rdf {
                        packet.see(&reader, &empty, depth + 1 - rdf)?;
                    }
                }
                Event::End(_) => {
                    if rdf == Some(depth) {
                        packet.end = at;
                        packet.is_extended = packet
                            .names
                            .contains(&(XMP_NOTE.to_owned(), "HasExtendedXMP".to_owned()));
                        return Ok(packet);
                    }
                    depth = depth.saturating_sub(1);
                }
                Event::DocType(_) => {
                    return Err("has a document type, which XMP has not".to_owned());
                }
                Event::Eof => return Err("has no RDF that ends".to_owned()),
                _ => {}
            }
        }
    }

    /// Notes the properties of a description, which are attributes or elements.
    fn see(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart<'_>,
        depth: usize,
    ) -> Result<(), String> {
        match depth {
            1 if is_rdf(reader, element, b"Description") => {
                for attribute in element.attributes() {
                    let attribute =
                        attribute.map_err(|error| format!("is not well-formed: {error}"))?;
                    let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
                    let name = text_of(name.as_ref());
                    match namespace_of(&namespace) {
                        Some(namespace) if namespace == RDF && name == "about" => {
                            self.about = text_of(&attribute.value);
                        }
                        Some(namespace) => drop(self.names.insert((namespace, name))),
                        None => {}
                    }
                }
            }
            2 => {
                let (namespace, name) = reader.resolver().resolve_element(element.name());
                if let Some(namespace) = namespace_of(&namespace) {
                    self.names.insert((namespace, text_of(name.as_ref())));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_rdf(reader: &NsReader<&[u8]>, element: &BytesStart<'_>, name: &[u8]) -> bool {
    let (namespace, local) = reader.resolver().resolve_element(element.name());
    local.as_ref() == name && namespace_of(&namespace).as_deref() == Some(RDF)
}

fn namespace_of(resolved: &ResolveResult<'_>) -> Option<String> {
    match resolved {
        ResolveResult::Bound(namespace) => Some(text_of(namespace.as_ref())),
        _ => None,
    }
}

/// The text is UTF-8 all over.
fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
