//! How values are written.

/// Reads a number, with a unit of bytes or without.
pub(crate) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_');
    let (digits, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: u64 = digits.replace('_', "").parse().ok()?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor).filter(|number| *number > 0)
}

/// What stands for a password.
const HIDDEN: &str = "***";

/// Writes the address of a database without its password. What it is not sure about, it hides.
pub(crate) fn without_password(address: &str) -> String {
    let schemes = ["postgres://", "postgresql://"];
    let Some(scheme) = schemes.iter().find(|scheme| address.starts_with(**scheme)) else {
        return HIDDEN.to_owned();
    };
    let rest = &address[scheme.len()..];
    // A password may hold any sign that follows it in an address.
    let (user, rest) = rest
        .rsplit_once('@')
        .map_or((None, rest), |(user, rest)| (Some(user), rest));
    let user = user.map(|user| match user.split_once(':') {
        Some((name, _)) => format!("{name}:{HIDDEN}@"),
        None => format!("{user}@"),
    });
    let (place, parameters) = rest
        .split_once('?')
        .map_or((rest, None), |(place, rest)| (place, Some(rest)));
    let parameters = parameters.map(|parameters| {
        let each = parameters
            .split('&')
            .map(|parameter| match parameter.split_once('=') {
                Some((name, _)) if name.contains("pass") => format!("{name}={HIDDEN}"),
                _ => parameter.to_owned(),
            });
        format!("?{}", each.collect::<Vec<_>>().join("&"))
    });
    let (user, parameters) = (user.unwrap_or_default(), parameters.unwrap_or_default());
    format!("{scheme}{user}{place}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_both_kinds() {
        assert_eq!(number("64 MiB"), Some(64 << 20));
        assert_eq!(number("64MB"), Some(64_000_000));
        assert_eq!(number("1_000"), Some(1000));
        assert_eq!(number("3 GiB"), Some(3 << 30));
        for wrong in ["", "0", "-1", "many", "1.5 GiB", "3 TiB", "99999999999 GiB"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_password_is_ever_written() {
        let hidden = [
            "postgres://cat:s3cret@host:5432/db",
            "postgresql://cat:s3cret@host/db?sslmode=disable",
            "postgres://cat:s3@c/r?e:t@host/db",
            "postgres://host/db?user=cat&password=s3cret",
            "host=localhost password=s3cret",
            "postgres:/cat:s3cret@host/db",
            "s3cret",
        ];
        for address in hidden {
            let text = without_password(address);
            assert!(
                !text.contains("s3") && !text.contains("e:t"),
                "{address}: {text}"
            );
            assert!(text.contains("***"), "{text}");
        }
        let plain = "postgres://cat@host:5432/db?sslmode=disable";
        assert_eq!(without_password(plain), plain);
        assert_eq!(
            without_password(hidden[0]),
            "postgres://cat:***@host:5432/db"
        );
    }
}
