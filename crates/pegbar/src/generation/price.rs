//! What a generation cost.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most digits before the point, and behind it.
const MAX_DIGITS: usize = 12;

/// An amount of money, exactly as it was told: `0.039 USD`.
///
/// A decimal number with at most 12 digits before the point and 12 behind it, a space, and the
/// three letters of the currency (ISO 4217).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Price(String);

/// The text is not a price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a price; write an amount and a currency, like `0.039 USD`")]
pub struct NotAPrice(String);

impl Price {
    /// Returns the price as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_price(text: &str) -> bool {
    let Some((amount, currency)) = text.split_once(' ') else {
        return false;
    };
    let is_number = |digits: &str| {
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let has_no_spare_zero = whole == "0" || !whole.starts_with('0');
    is_number(whole)
        && is_number(fraction)
        && has_no_spare_zero
        && currency.len() == 3
        && currency.bytes().all(|b| b.is_ascii_uppercase())
}

impl FromStr for Price {
    type Err = NotAPrice;

    fn from_str(text: &str) -> Result<Self, NotAPrice> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Price {
    type Error = NotAPrice;

    fn try_from(text: String) -> Result<Self, NotAPrice> {
        if is_price(&text) {
            Ok(Self(text))
        } else {
            Err(NotAPrice(text))
        }
    }
}

impl From<Price> for String {
    fn from(price: Price) -> Self {
        price.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_decimal_number_and_a_currency_and_stays_as_written() {
        for text in [
            "0.039 USD",
            "0 EUR",
            "12 JPY",
            "1.50 CHF",
            "0.000000000001 USD",
        ] {
            assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
        }
        let refused = [
            "",
            "0.039",
            "USD",
            "0.039USD",
            "0.039 usd",
            "-1 USD",
            "1e3 USD",
            ".5 USD",
            "1. USD",
            "00.5 USD",
            "1,5 EUR",
            "1.2.3 USD",
            "0.0000000000001 USD",
            "$ 1",
            "1 USDT",
            "NaN USD",
            "1  USD",
            " 1 USD",
            "1 USD ",
            "１ USD",
        ];
        for text in refused {
            let error = text.parse::<Price>().unwrap_err().to_string();
            assert!(error.contains("like `0.039 USD`"), "{error}");
        }
    }
}
