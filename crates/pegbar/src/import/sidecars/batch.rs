//! How many sidecars are worked on together: memory does not grow with their number, nor with
//! their sizes.

/// How large the sidecars of a batch are together, in bytes, unless one alone is larger.
const MAX_BYTES: u64 = 32 << 20;

/// Cuts a list into batches of `most` at most, in its order. What is larger than a batch may be is one by itself.
pub(super) fn batches<T>(
    mut list: &[T],
    most: usize,
    file_size: impl Fn(&T) -> u64,
) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0_u64;
        let fits = |entry: &&T| {
            bytes = bytes.saturating_add(file_size(entry));
            bytes <= MAX_BYTES
        };
        let count = list.iter().take(most).take_while(fits).count();
        let (batch, rest) = list.split_at_checked(count.max(1))?;
        list = rest;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sizes: &[u64], count: usize) -> Vec<Vec<u64>> {
        let cut = batches(sizes, count, |size| *size);
        cut.map(<[u64]>::to_vec).collect()
    }

    #[test]
    fn batches_are_cut_by_count_and_by_bytes_and_leave_nothing_out() {
        const MIB: u64 = 1 << 20;
        assert_eq!(cut(&[], 3), Vec::<Vec<u64>>::new());
        assert_eq!(cut(&[1; 7], 3), [vec![1; 3], vec![1; 3], vec![1]]);
        let sizes = [20 * MIB, 12 * MIB, 1, 100 * MIB, 31 * MIB, MIB, MIB];
        let expected = [
            vec![20 * MIB, 12 * MIB],
            vec![1],
            vec![100 * MIB],
            vec![31 * MIB, MIB],
            vec![MIB],
        ];
        assert_eq!(cut(&sizes, 500), expected);
        assert_eq!(cut(&[u64::MAX, u64::MAX], 2), [[u64::MAX], [u64::MAX]]);
    }
}
