//! Lists in pages: a cursor that says nothing to anyone but us.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pegbar::{Id, Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// What the bytes of a cursor begin with.
const VERSION: u8 = 1;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The `nextCursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// How many rows at most: 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
}

/// One page of a list. Rows that are added meanwhile neither repeat nor hide others.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageOf<T> {
    /// The rows, in order.
    rows: Vec<T>,
    /// The `cursor` of the next page; `null` at the end.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl PageParams {
    /// Returns which page of the library's list is meant.
    pub(crate) fn request<T: Id>(&self) -> Result<PageRequest<T>, Problem> {
        let limit = self.limit.unwrap_or(PageRequest::<T>::default().limit);
        let after = self.cursor.as_deref().map(read).transpose()?;
        Ok(PageRequest { after, limit })
    }
}

fn read<T: Id>(cursor: &str) -> Result<T, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    let id = match bytes.as_slice() {
        [VERSION, id @ ..] => uuid::Uuid::from_slice(id).ok(),
        _ => None,
    };
    let id = id.ok_or_else(|| Problem::invalid("cursor", "it is none of this server's"))?;
    Ok(T::from(id))
}

fn write(id: uuid::Uuid) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

impl<T> PageOf<T> {
    /// Takes a page of the library's.
    pub(crate) fn of<I: Id>(page: Page<T>, id: impl Fn(&T) -> I) -> Self {
        let last = page.rows.last().filter(|_| page.has_more);
        Self {
            next_cursor: last.map(|row| write(id(row).uuid())),
            rows: page.rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use pegbar::AssetId;

    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let id = uuid::Uuid::from_u128(0x0192_a000_0000_7000_8000_0000_0000_0001);
        assert_eq!(read::<AssetId>(&write(id)).unwrap(), AssetId(id));
        let whole = write(id);
        for wrong in [
            "",
            "x",
            &whole[1..],
            &format!("{whole}A"),
            "AgGSoAAAAHAAgAAAAAAAAAE",
        ] {
            assert!(read::<AssetId>(wrong).is_err(), "{wrong}");
        }
    }
}
