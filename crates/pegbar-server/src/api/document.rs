//! What `utoipa` can't know of the routes, put into their description: which fields are always
//! written, what the parts of a multipart body are, which headers come and go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use utoipa::openapi::encoding::EncodingBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, KnownFormat, Object, ObjectBuilder, OneOfBuilder, Schema,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{
    Components, Content, ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Required, Response,
    ResponseBuilder,
};

use super::operations;
use crate::once::MAX_KEY;

/// The schemas with fields that are left out where there is nothing, instead of being `null`:
/// what files say of themselves, and values that may be `null` themselves.
const LEAVE_OUT: [&str; 7] = [
    "C2paAction",
    "C2paCredentials",
    "C2paIngredient",
    "C2paManifest",
    "C2paName",
    "C2paTimeSource",
    "SettingChange",
];

/// Completes the description once all routes are in it.
pub(super) fn complete(document: &mut OpenApi) {
    let mut asked = BTreeSet::new();
    for path in document.paths.paths.values_mut() {
        if let Some(get) = &mut path.get {
            describe_known(get);
        }
        for operation in operations(path) {
            if let Some(body) = &mut operation.request_body {
                asked.extend(names_in(&*body));
                describe_parts(body);
            }
            describe_headers(operation);
        }
    }
    let components = document.components.get_or_insert_default();
    name_what_is_generic(components);
    require_what_is_always_written(components, asked);
}

/// Returns the names of the schemas that something refers to.
fn names_in(part: &impl serde::Serialize) -> BTreeSet<String> {
    fn walk(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                let name = fields.get("$ref").and_then(Value::as_str);
                let name = name.and_then(|name| name.rsplit('/').next());
                names.extend(name.map(str::to_owned));
                fields.values().for_each(|value| walk(value, names));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    if let Ok(value) = serde_json::to_value(part) {
        walk(&value, &mut names);
    }
    names
}

/// What the server writes has all its fields, `null` where there is nothing: only what it reads
/// may lack some. `utoipa` takes every `Option` for a field that may be absent.
fn require_what_is_always_written(components: &mut Components, asked: BTreeSet<String>) {
    let refers: BTreeMap<_, _> = components
        .schemas
        .iter()
        .map(|(name, schema)| (name.clone(), names_in(schema)))
        .collect();
    let mut is_read = BTreeSet::new();
    let mut open: Vec<String> = asked.into_iter().collect();
    while let Some(name) = open.pop() {
        if let Some(further) = refers.get(&name) {
            open.extend(further.difference(&is_read).cloned());
        }
        is_read.insert(name);
    }
    for (name, schema) in &mut components.schemas {
        let leaves_out = LEAVE_OUT.contains(&name.as_str());
        if is_read.contains(name) {
            continue;
        }
        each_object(schema, &mut |object| {
            let properties = std::mem::take(&mut object.properties);
            let properties = properties.into_iter();
            object.properties = properties
                .map(|(name, property)| (camel_case(&name), property))
                .collect();
            let required = object.required.iter().map(|name| camel_case(name));
            object.required = if leaves_out {
                required.collect()
            } else {
                object.properties.keys().cloned().collect()
            };
        });
    }
}

/// `utoipa` passes over `rename_all_fields`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

/// Of what is generic `utoipa` repeats the parameter in place, and loses that it may be `null`.
fn name_what_is_generic(components: &mut Components) {
    let names: BTreeSet<String> = components.schemas.keys().cloned().collect();
    for (name, schema) in &mut components.schemas {
        let Some((generic, parameter)) = name.split_once('_') else {
            continue;
        };
        let RefOr::T(Schema::Object(object)) = schema else {
            continue;
        };
        let schema_of = names
            .contains(parameter)
            .then(|| RefOr::Ref(Ref::from_schema_name(parameter)));
        if generic == "Change" {
            for (side, value) in &mut object.properties {
                let value_of = schema_of.clone().unwrap_or_else(|| value.clone());
                let null = ObjectBuilder::new().schema_type(Type::Null);
                let either = OneOfBuilder::new()
                    .item(null)
                    .item(value_of)
                    .description(Some(format!(
                        "The value {side}; `null` where there is none."
                    )));
                *value = RefOr::T(Schema::OneOf(either.build()));
            }
        } else if let (Some(one), Some(RefOr::T(Schema::Array(rows)))) =
            (schema_of, object.properties.get_mut("rows"))
        {
            rows.items = ArrayItems::RefOrSchema(Box::new(one));
        }
    }
}

/// Calls `each` with an object and with those that it is put together from.
fn each_object(schema: &mut RefOr<Schema>, each: &mut impl FnMut(&mut Object)) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            object
                .properties
                .values_mut()
                .for_each(|property| each_object(property, each));
            each(object);
        }
        Schema::AllOf(all) => all.items.iter_mut().for_each(|one| each_object(one, each)),
        Schema::OneOf(one) => one.items.iter_mut().for_each(|one| each_object(one, each)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|one| each_object(one, each)),
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                each_object(items, each);
            }
        }
        _ => {}
    }
}

/// A multipart body is the JSON in a part `body`, then any number of images by their names.
fn describe_parts(body: &mut RequestBody) {
    let Some(content) = body.content.get_mut("multipart/form-data") else {
        return;
    };
    let Some(json) = content.schema.take() else {
        return;
    };
    let image = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .description(Some("An image, which the JSON names in a field `file`."))
        .build();
    let parts = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "The first part is `body`, with the JSON; the others are images.",
        ))
        .property("body", json)
        .required("body")
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(
            image,
        )))))
        .build();
    let encoding = EncodingBuilder::new().content_type(Some("application/json"));
    *content = ContentBuilder::new()
        .schema(Some(parts))
        .encoding("body", encoding.build())
        .build();
}

/// Says how the headers look that a request may or must have, and that an answer has a version.
fn describe_headers(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let Some(RefOr::T(Schema::Object(number))) = &mut parameter.schema {
            bound(number);
        }
        if parameter.parameter_in == ParameterIn::Header {
            describe_header(parameter);
        }
    }
    for response in tagged(operation) {
        response.headers.insert("ETag".to_owned(), etag());
    }
}

/// `utoipa` says `int32` of what has 32 bits without a sign: half of the numbers would be wrong.
fn bound(number: &mut Object) {
    let is_32 = SchemaFormat::KnownFormat(KnownFormat::Int32);
    let has_no_sign = number.minimum.is_some();
    if number.format.as_ref() == Some(&is_32) && has_no_sign {
        number.format = None;
        number.maximum.get_or_insert(u32::MAX.into());
    }
}

/// Returns the answers that have an `ETag`.
fn tagged(operation: &mut Operation) -> impl Iterator<Item = &mut Response> {
    let responses = operation.responses.responses.iter_mut();
    responses.filter_map(|(status, response)| match response {
        RefOr::T(response) if status.starts_with('2') && is_json(response) => Some(response),
        _ => None,
    })
}

/// What is read says which version the client has already.
fn describe_known(operation: &mut Operation) {
    if tagged(operation).next().is_none() {
        return;
    }
    let known = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The ETag of what is known already."))
        .schema(Some(text(None)))
        .build();
    operation.parameters.get_or_insert_default().push(known);
    let unchanged = ResponseBuilder::new()
        .description("It is what the client has already.")
        .header("ETag", etag())
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("304".to_owned(), RefOr::T(unchanged));
}

fn describe_header(parameter: &mut Parameter) {
    let schema = match parameter.name.as_str() {
        "If-Match" => text(Some(r#"^(\*|"[0-9a-f]{32}")$"#)),
        "Repr-Digest" => text(Some("^sha-256=:[A-Za-z0-9+/]{43}=:$")),
        "Idempotency-Key" => ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_KEY))
            .pattern(Some("^[!-~]+$"))
            .build(),
        _ => return,
    };
    parameter.schema = Some(RefOr::T(Schema::Object(schema)));
}

fn text(pattern: Option<&str>) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .pattern(pattern)
        .build()
}

fn etag() -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(text(Some(r#"^"[0-9a-f]{32,64}"$"#)))
        .description(Some(
            "The version of what was sent: for `If-Match` and `If-None-Match`.",
        ))
        .build()
}

fn is_json(response: &Response) -> bool {
    let content: Option<&Content> = response.content.get("application/json");
    content.is_some()
}
