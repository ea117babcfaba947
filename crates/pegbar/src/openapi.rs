//! The types whose JSON is not that of their fields, in the words of `OpenAPI`.
#![expect(unused_qualifications, reason = "what the macro of `utoipa` makes")]

use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::generation::Price;
use crate::hash::Sha256;
use crate::id::AssetId;
use crate::json::Json;
use crate::reference::{Reference, References};
use crate::time::MillisSinceEpoch;
use crate::verify::Damage;

fn text(description: &str, pattern: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .pattern(Some(pattern))
        .examples([example])
}

/// Describes an enum by its documentation and its words.
pub(crate) fn words(documentation: &str, words: &[&str]) -> RefOr<Schema> {
    let lines: Vec<&str> = documentation.trim().lines().map(str::trim).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(lines.join("\n")))
        .enum_values(Some(words.iter().copied()))
        .into()
}

impl PartialSchema for Sha256 {
    fn schema() -> RefOr<Schema> {
        text(
            "A SHA-256 (FIPS 180-4): 64 hexadecimal digits, in lower case.",
            "^[0-9a-f]{64}$",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        )
        .into()
    }
}

impl ToSchema for Sha256 {}

impl PartialSchema for MillisSinceEpoch {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(
                "A point in time, in UTC: RFC 3339 with three decimals of a second.",
            ))
            .examples(["2026-01-01T07:02:29.000Z"])
            .into()
    }
}

impl ToSchema for MillisSinceEpoch {
    fn name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
}

impl PartialSchema for Price {
    fn schema() -> RefOr<Schema> {
        text(
            "An amount of money, exactly as it was told: a decimal number, a space and the three \
             letters of the currency (ISO 4217).",
            r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})? [A-Z]{3}$",
            "0.039 USD",
        )
        .into()
    }
}

impl ToSchema for Price {}

impl PartialSchema for Json {
    fn schema() -> RefOr<Schema> {
        // No type: any value.
        ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::AnyValue)
            .description(Some(
                "Any JSON that every client reads back as it was written (I-JSON, RFC 7493). \
                 Integers beyond ±(2^53 − 1) come back as strings.",
            ))
            .into()
    }
}

impl ToSchema for Json {}

impl PartialSchema for References {
    fn schema() -> RefOr<Schema> {
        let ids = ArrayBuilder::new()
            .items(Ref::from_schema_name(AssetId::name()))
            .description(Some("The ids of what it was made from, in the order sent."));
        let references = ArrayBuilder::new()
            .items(Ref::from_schema_name(Reference::name()))
            .description(Some("What it was made from, in the order sent."));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("referenceAssetIds", ids)
            .property("references", references)
            .required("referenceAssetIds")
            .required("references")
            .into()
    }
}

impl ToSchema for References {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((AssetId::name().into_owned(), AssetId::schema()));
        schemas.push((Reference::name().into_owned(), Reference::schema()));
        Reference::schemas(schemas);
    }
}

/// Something about an asset that is not as it was recorded, in words.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for what `with_words` writes")]
pub(crate) struct DamageInWords {
    #[schema(inline)]
    #[serde(flatten)]
    damage: Damage,
    /// What is wrong.
    message: String,
    /// What to do.
    hint: String,
}
