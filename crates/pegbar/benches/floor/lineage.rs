//! Lineage among very many references: ours, the same by hand, and the recursion that carries
//! depths along.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use pegbar::{
    AnimationId, AssetId, AssetKind, CharacterId, Engine, Lineage, LineageDirection, LineageEdge,
    LineageNode, LineageOptions, LineageSide, MillisSinceEpoch, NewProject, ProjectId,
    ReferenceRole, Sha256,
};
use tokio_postgres::Statement;
use uuid::Uuid;

use crate::Outcome;
use crate::race::{Race, Side};
use crate::scenario::{Goals, Scale};
use crate::site::{Floor, Site};

/// How many assets hang together: a design and the frames made from it.
const SCENE: u128 = 145;
/// How many assets the lineages of one round are asked of.
const ASKED: usize = 40;
/// The ids of the benchmark's assets begin here.
const FIRST: u128 = 0x0192_a000_0000_7000_8000_0000_0000_0000;

/// An edge to write: what was made, its place, what from, and what for.
pub(crate) struct EdgeRow {
    pub(crate) made: Uuid,
    pub(crate) position: i32,
    pub(crate) input: Uuid,
    pub(crate) role: ReferenceRole,
}

/// A row of the queries: an asset with one of its inputs, if it has any.
pub(crate) struct RawRow {
    pub(crate) id: Uuid,
    pub(crate) kind: AssetKind,
    pub(crate) character_id: Option<Uuid>,
    pub(crate) animation_id: Option<Uuid>,
    pub(crate) sha256: Option<Sha256>,
    pub(crate) original_name: Option<String>,
    pub(crate) bytes_dropped_at: Option<MillisSinceEpoch>,
    pub(crate) input: Option<RawInput>,
    /// Where the query tells it.
    pub(crate) depth: Option<i64>,
}

pub(crate) struct RawInput {
    pub(crate) id: Uuid,
    pub(crate) role: ReferenceRole,
    pub(crate) position: u32,
    pub(crate) sha256: Option<Sha256>,
}

/// A query by hand.
enum Prepared {
    Sqlite(String),
    Postgres(Statement),
}

impl Floor {
    async fn prepare(&self, text: String) -> Outcome<Prepared> {
        Ok(match self {
            Self::Sqlite(_) => Prepared::Sqlite(text),
            Self::Postgres(floor) => Prepared::Postgres(floor.prepare_lineage(&text).await?),
        })
    }

    async fn lineage(&self, query: &Prepared, root: Uuid) -> Outcome<Vec<RawRow>> {
        match (self, query) {
            (Self::Sqlite(floor), Prepared::Sqlite(text)) => Ok(floor.lineage(text, root)?),
            (Self::Postgres(floor), Prepared::Postgres(statement)) => {
                Ok(floor.lineage(statement, root).await?)
            }
            _ => Err("the query is another engine's".into()),
        }
    }

    async fn load_graph(&self, project: Uuid, assets: &[Uuid], edges: &[EdgeRow]) -> Outcome<()> {
        match self {
            Self::Sqlite(floor) => floor.load_graph(project, assets, edges)?,
            Self::Postgres(floor) => floor.load_graph(project, assets, edges).await?,
        }
        Ok(())
    }

    async fn without_keys(&self, without: bool) -> Outcome<()> {
        match self {
            Self::Sqlite(floor) => floor.without_keys(without)?,
            Self::Postgres(floor) => floor.without_keys(without).await?,
        }
        Ok(())
    }
}

/// The texts of the queries by hand.
struct Texts {
    up: String,
    down: String,
    carrying: String,
}

const COLUMNS: &str = "a.id, a.kind, a.character_id, a.animation_id, a.sha256, a.original_name, \
                       a.bytes_dropped_at, r.referenced_asset_id, r.role, r.position, r.sha256";

impl Texts {
    fn new(engine: Engine) -> Self {
        let root = match engine {
            Engine::Sqlite => "?1",
            Engine::Postgres => "$1",
        };
        let project = format!("(SELECT project_id FROM asset WHERE id = {root})");
        let walk = |known: &str, next: &str| {
            format!(
                "WITH RECURSIVE walk(id) AS (SELECT id FROM asset WHERE id = {root} \
                 UNION SELECT r.{next} FROM walk CROSS JOIN asset_reference r \
                 WHERE r.project_id = {project} AND r.{known} = walk.id) \
                 SELECT {COLUMNS} FROM walk CROSS JOIN asset a LEFT JOIN asset_reference r \
                 ON r.project_id = a.project_id AND r.asset_id = a.id \
                 WHERE a.project_id = {project} AND a.id = walk.id"
            )
        };
        let carrying = format!(
            "WITH RECURSIVE walk(id, depth) AS (SELECT id, 0 FROM asset WHERE id = {root} \
             UNION SELECT r.referenced_asset_id, walk.depth + 1 FROM walk CROSS JOIN asset_reference r \
             WHERE r.project_id = {project} AND r.asset_id = walk.id), \
             nearest(id, depth) AS (SELECT id, min(depth) FROM walk GROUP BY id) \
             SELECT {COLUMNS}, nearest.depth FROM nearest CROSS JOIN asset a \
             LEFT JOIN asset_reference r ON r.project_id = a.project_id AND r.asset_id = a.id \
             WHERE a.project_id = {project} AND a.id = nearest.id"
        );
        Self {
            up: walk("asset_id", "referenced_asset_id"),
            down: walk("referenced_asset_id", "asset_id"),
            carrying,
        }
    }
}

/// Puts rows together by hand, as ours does.
fn put_together(project: Uuid, root: Uuid, side: LineageSide, rows: Vec<RawRow>) -> Lineage {
    let mut places: HashMap<Uuid, usize, RandomState> = HashMap::default();
    let mut nodes: Vec<LineageNode> = Vec::new();
    let mut inputs: Vec<Vec<RawInput>> = Vec::new();
    for row in rows {
        let place = *places.entry(row.id).or_insert(nodes.len());
        if place == nodes.len() {
            nodes.push(LineageNode {
                id: AssetId(row.id),
                side,
                depth: row
                    .depth
                    .map_or(u32::MAX, |depth| u32::try_from(depth).unwrap_or(0)),
                kind: row.kind,
                character_id: row.character_id.map(CharacterId),
                animation_id: row.animation_id.map(AnimationId),
                sha256: row.sha256,
                original_name: row.original_name,
                bytes_dropped_at: row.bytes_dropped_at,
            });
            inputs.push(Vec::new());
        }
        inputs[place].extend(row.input);
    }
    if nodes.iter().any(|node| node.depth == u32::MAX) {
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (made, inputs) in inputs.iter().enumerate() {
            for input in inputs.iter().filter_map(|input| places.get(&input.id)) {
                match side {
                    LineageSide::Descendant => next[*input].push(made),
                    _ => next[made].push(*input),
                }
            }
        }
        let mut queue: VecDeque<(usize, u32)> = VecDeque::from([(places[&root], 0)]);
        while let Some((place, depth)) = queue.pop_front() {
            if nodes[place].depth == u32::MAX {
                nodes[place].depth = depth;
                queue.extend(next[place].iter().map(|&place| (place, depth + 1)));
            }
        }
    }
    let mut found: Vec<_> = nodes.into_iter().zip(inputs).collect();
    found.sort_unstable_by_key(|(node, _)| (node.depth, node.id));
    let mut edges = Vec::new();
    let mut nodes = Vec::with_capacity(found.len());
    for (mut node, mut inputs) in found {
        inputs.sort_unstable_by_key(|input| input.position);
        for input in inputs
            .into_iter()
            .filter(|input| places.contains_key(&input.id))
        {
            edges.push(LineageEdge {
                asset_id: node.id,
                input_id: AssetId(input.id),
                role: input.role,
                position: input.position,
                sha256: input.sha256,
            });
        }
        if node.depth == 0 {
            node.side = LineageSide::Root;
        }
        nodes.push(node);
    }
    Lineage {
        root: AssetId(root),
        project_id: ProjectId(project),
        nodes,
        edges,
        has_more: false,
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(FIRST + number)
}

/// What one graph is made of: how many assets, and the inputs of each by their numbers.
fn inputs_in_scene(place: u128) -> Vec<(u128, ReferenceRole)> {
    match place {
        0 => Vec::new(),
        1 => vec![(0, ReferenceRole::Character)],
        // The design, the frame before, and the one before that.
        _ => {
            let mut inputs = vec![
                (0, ReferenceRole::Character),
                (place - 1, ReferenceRole::PreviousFrame),
            ];
            if place > 2 {
                inputs.push((place - 2, ReferenceRole::Pose));
            }
            inputs
        }
    }
}

/// Writes assets and their edges, in batches.
struct Loader<'a> {
    site: &'a Site,
    project: Uuid,
    assets: Vec<Uuid>,
    edges: Vec<EdgeRow>,
    written: usize,
}

impl Loader<'_> {
    const BATCH: usize = 20_000;

    async fn add(&mut self, number: u128, inputs: Vec<(u128, ReferenceRole)>) -> Outcome<()> {
        self.assets.push(id(number));
        let inputs = (0..).zip(inputs);
        self.edges
            .extend(inputs.map(|(position, (input, role))| EdgeRow {
                made: id(number),
                position,
                input: id(input),
                role,
            }));
        if self.edges.len() >= Self::BATCH {
            self.write().await?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Outcome<()> {
        self.written += self.edges.len();
        let floor = &self.site.floor;
        floor
            .load_graph(self.project, &self.assets, &self.edges)
            .await?;
        self.assets.clear();
        self.edges.clear();
        Ok(())
    }
}

/// Asks for the lineages of one kind, all of a round.
struct Course<'a> {
    site: &'a Site,
    project: Uuid,
    side: LineageSide,
    /// The query by hand.
    query: &'a Prepared,
    roots: Vec<Uuid>,
    expected: usize,
}

impl Course<'_> {
    async fn ask(&self, by: Side, root: Uuid) -> Outcome<Lineage> {
        Ok(match by {
            Side::Ours => {
                let direction = match self.side {
                    LineageSide::Descendant => LineageDirection::Descendants,
                    _ => LineageDirection::Ancestors,
                };
                let options = LineageOptions::new(direction);
                self.site.studio.lineage(AssetId(root), &options).await?
            }
            Side::Floor => {
                let rows = self.site.floor.lineage(self.query, root).await?;
                put_together(self.project, root, self.side, rows)
            }
        })
    }

    async fn run(&self, what: String, goal: Option<f64>, rounds: usize) -> Outcome<Race> {
        let mut race = Race::new(what, goal);
        let first = self.roots[0];
        let (ours, floor) = (
            self.ask(Side::Ours, first).await?,
            self.ask(Side::Floor, first).await?,
        );
        if ours != floor || ours.nodes.len() != self.expected {
            let found = ours.nodes.len();
            return Err(format!("{}: {found} assets, or not the same ones", race.what).into());
        }
        for round in 0..=rounds {
            for by in Race::order(round) {
                let start = self.site.meter.start();
                for root in &self.roots {
                    let nodes = self.ask(by, *root).await?.nodes.len();
                    if nodes != self.expected {
                        return Err(format!("{by:?} found {nodes} assets").into());
                    }
                }
                let cost = self.site.meter.stop(&start);
                if round > 0 {
                    race.add(by, cost / self.roots.len());
                }
            }
        }
        Ok(race)
    }
}

/// Asks for ancestors and descendants among very many references, in a long chain, and where
/// there are more ways than can be counted.
pub(crate) async fn lineage(site: &Site, scale: Scale, goals: &Goals) -> Outcome<Vec<Race>> {
    let project = site.studio.create_project(NewProject::new("P")).await?;
    let project = project.project.id.0;
    let mut loader = Loader {
        site,
        project,
        assets: Vec::new(),
        edges: Vec::new(),
        written: 0,
    };
    site.floor.without_keys(true).await?;
    let mut scenes = 0;
    while loader.written + loader.edges.len() < scale.references {
        let start = scenes * SCENE;
        for place in 0..SCENE {
            let inputs = inputs_in_scene(place).into_iter();
            let inputs = inputs.map(|(input, role)| (start + input, role));
            loader.add(start + place, inputs.collect()).await?;
        }
        scenes += 1;
    }
    let chain = scenes * SCENE;
    for place in 0..1000 {
        let before = (place > 0).then(|| (chain + place - 1, ReferenceRole::PreviousFrame));
        loader
            .add(chain + place, before.into_iter().collect())
            .await?;
    }
    let layers = chain + 1000;
    for place in 0..400_u128 {
        let before = (place / 20).checked_sub(1).into_iter();
        let before = before.flat_map(|layer| layer * 20..layer * 20 + 20);
        let before = before.map(|input| (layers + input, ReferenceRole::Other));
        loader.add(layers + place, before.collect()).await?;
    }
    loader.write().await?;
    let references = loader.written;
    site.floor.without_keys(false).await?;
    site.floor.settle().await?;

    let texts = Texts::new(site.studio.engine());
    let by_hand = site.floor.prepare(texts.up).await?;
    let by_hand_down = site.floor.prepare(texts.down).await?;
    let with_depths = site.floor.prepare(texts.carrying).await?;
    // From all over the table.
    let asked = (0..ASKED as u128).map(|n| n * scenes / ASKED as u128 * SCENE);
    let asked: Vec<u128> = asked.collect();
    let course = |side, query, roots: Vec<u128>, expected| Course {
        site,
        project,
        side,
        query,
        roots: roots.into_iter().map(id).collect(),
        expected,
    };
    let (up, down) = (LineageSide::Ancestor, LineageSide::Descendant);
    let last: Vec<u128> = asked.iter().map(|start| start + SCENE - 1).collect();
    let scene = SCENE as usize;
    let rounds = scale.rounds;
    let among = format!("{scene} assets among {references} references");
    let goal = Some(goals.lineage);
    let carried = Some(goals.carried_depth);
    Ok(vec![
        course(up, &by_hand, last.clone(), scene)
            .run(format!("ancestors: {among}"), goal, rounds)
            .await?,
        course(down, &by_hand_down, asked, scene)
            .run("descendants: as many".to_owned(), goal, rounds)
            .await?,
        course(up, &with_depths, last, scene)
            .run(
                "ancestors ÷ recursion that carries depths".to_owned(),
                carried,
                rounds,
            )
            .await?,
        course(up, &by_hand, vec![chain + 999; 4], 1000)
            .run("ancestors in a chain of 1,000".to_owned(), goal, rounds)
            .await?,
        course(up, &by_hand, vec![layers + 399; 4], 381)
            .run(
                "ancestors in 20 layers of 20, all to all".to_owned(),
                goal,
                rounds,
            )
            .await?,
    ])
}
