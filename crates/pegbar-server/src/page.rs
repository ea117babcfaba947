//! Lists in pages: a cursor that says nothing to anyone but us.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pegbar::{Id, Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Which way a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// The oldest first.
    Asc,
    /// The newest first.
    Desc,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The `nextCursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// How many rows at most: 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// Which way: `asc` has the oldest first, `desc` the newest. A cursor goes on as its list
    /// began.
    #[param(inline, default = "asc")]
    order: Option<Order>,
}

/// Which page of what was found, the oldest first.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FoundPageParams {
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
    next_cursor: Option<String>,
}

impl FoundPageParams {
    /// Returns which page of the library's search is meant.
    pub(crate) fn request<T: Id>(self) -> Result<PageRequest<T>, Problem> {
        let page = PageParams {
            cursor: self.cursor,
            limit: self.limit,
            order: Some(Order::Asc),
        };
        page.request()
    }
}

impl PageParams {
    /// Returns which page of the library's list is meant.
    pub(crate) fn request<T: Id>(&self) -> Result<PageRequest<T>, Problem> {
        let first = PageRequest::<T>::default();
        let cursor = self.cursor.as_deref().map(read).transpose()?;
        let order = match (cursor, self.order) {
            (Some((begun, _)), Some(order)) if begun != order => {
                let reason = "the cursor goes the other way";
                return Err(Problem::invalid("order", reason));
            }
            (Some((begun, _)), _) => begun,
            (None, order) => order.unwrap_or(Order::Asc),
        };
        Ok(PageRequest {
            after: cursor.map(|(_, id)| id),
            limit: self.limit.unwrap_or(first.limit),
            is_descending: order == Order::Desc,
        })
    }
}

/// What the bytes of a cursor begin with: which way its list goes.
fn mark(order: Order) -> u8 {
    match order {
        Order::Asc => 1,
        Order::Desc => 2,
    }
}

fn read<T: Id>(cursor: &str) -> Result<(Order, T), Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    let found = [Order::Asc, Order::Desc].into_iter().find_map(|order| {
        let id = bytes.strip_prefix(&[mark(order)])?;
        Some((order, T::from(uuid::Uuid::from_slice(id).ok()?)))
    });
    found.ok_or_else(|| Problem::invalid("cursor", "it is none of this server's"))
}

fn write(order: Order, id: uuid::Uuid) -> String {
    let mut bytes = vec![mark(order)];
    bytes.extend(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

impl<T> PageOf<T> {
    /// Takes the page of the library's that was asked for.
    pub(crate) fn of<I: Id>(request: PageRequest<I>, page: Page<T>, id: impl Fn(&T) -> I) -> Self {
        let order = if request.is_descending {
            Order::Desc
        } else {
            Order::Asc
        };
        let last = page.rows.last().filter(|_| page.has_more);
        Self {
            next_cursor: last.map(|row| write(order, id(row).uuid())),
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
        for order in [Order::Asc, Order::Desc] {
            let cursor = write(order, id);
            assert_eq!(read::<AssetId>(&cursor).unwrap(), (order, AssetId(id)));
        }
        let whole = write(Order::Asc, id);
        for wrong in [
            "",
            "x",
            &whole[1..],
            &format!("{whole}A"),
            "AwGSoAAAAHAAgAAAAAAAAAE",
        ] {
            assert!(read::<AssetId>(wrong).is_err(), "{wrong}");
        }
    }
}
