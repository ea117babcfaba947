//! Many rows: in bounded time, with inputs before outputs through all of them.

use std::time::{Duration, Instant};

use pegbar::AssetId;

use super::foreign::{Foreign, Owner};
use crate::support::png;

const ROWS: u32 = 10_000;

both_engines! {
    async fn ten_thousand_rows_are_adopted_in_bounded_time(bench) {
        let mut foreign = Foreign::new(bench).await;
        let project = foreign.sql(foreign.project);
        let mut statements = Vec::new();
        let mut before: Option<AssetId> = None;
        for number in 0..ROWS {
            let id: AssetId = foreign.studio.new_id();
            let path = format!("uploads/{}/{number}.png", number % 100);
            foreign.file(&path, &png(number));
            statements.push(foreign.asset_statement(id, Owner::Project, Some(&path)));
            // One chain, the other way round: the first is made from the last.
            if let Some(before) = before {
                let (output, input) = (foreign.sql(before), foreign.sql(id));
                statements.push(format!(
                    "INSERT INTO asset_reference \
                     (project_id, asset_id, position, referenced_asset_id, role) \
                     VALUES ({project}, {output}, 0, {input}, 'previous_frame')"
                ));
            }
            before = Some(id);
        }
        foreign.raw.transaction(&statements).await.unwrap();
        let begun = Instant::now();
        let report = foreign.adopt().await;
        let took = begun.elapsed();
        let expected = (u64::from(ROWS), u64::from(ROWS), 0);
        assert_eq!((report.adopted, report.removed, report.findings.len()), expected);
        let begun = Instant::now();
        let again = foreign.adopt().await;
        let took_again = begun.elapsed();
        assert_eq!((again.assets, again.adopted), (u64::from(ROWS), 0));
        // Far more than it takes on a small machine, and far less than anything quadratic.
        assert!(took < Duration::from_mins(6), "{took:?}");
        assert!(took_again < Duration::from_secs(30), "{took_again:?}");
        eprintln!("{ROWS} rows adopted in {took:?}, looked at again in {took_again:?}");
    }
}
