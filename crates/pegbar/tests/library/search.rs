//! Search by provenance: the same on both engines.

use pegbar::{
    AssetFilter, AssetId, AssetKind, FoundAsset, Json, MadeFrom, MatchedField, MillisSinceEpoch,
    ModelFilter, NewAnimation, NewCharacter, NewClaim, NewFrame, NewProject, PageRequest,
    ProjectId, ProjectPatch, ReferenceRole, SearchFilter, SettingFilter, Studio,
};

use crate::support::asset;

async fn project(studio: &Studio, name: &str) -> ProjectId {
    let tree = studio.create_project(NewProject::new(name)).await.unwrap();
    tree.project.id
}

/// Everything that is found, in pages of three.
async fn search(
    studio: &Studio,
    project: Option<ProjectId>,
    filter: &SearchFilter,
) -> Vec<FoundAsset> {
    let mut all = Vec::new();
    let mut request = PageRequest::default().limit(3);
    let paged = studio.search(project, filter).await.unwrap();
    loop {
        let page = studio
            .search_assets(project, filter, request)
            .await
            .unwrap();
        assert_eq!(
            paged.page(request).await.unwrap(),
            page,
            "walked once or for each page"
        );
        assert!(page.rows.len() == 3 || !page.has_more, "pages are full");
        request.after = page.rows.last().map(|found| found.asset.id);
        all.extend(page.rows);
        if !page.has_more {
            return all;
        }
    }
}

/// The numbers of what is found, which the tests give as original names.
async fn found(studio: &Studio, project: ProjectId, filter: &SearchFilter) -> Vec<String> {
    let found = search(studio, Some(project), filter).await;
    names(&found)
}

fn names(found: &[FoundAsset]) -> Vec<String> {
    found
        .iter()
        .map(|found| found.asset.original_name.clone().unwrap())
        .collect()
}

fn with_text(words: &[&str]) -> SearchFilter {
    SearchFilter {
        text: words.iter().map(|word| (*word).to_owned()).collect(),
        ..SearchFilter::default()
    }
}

fn with_setting(text: &str) -> SearchFilter {
    SearchFilter {
        settings: vec![text.parse::<SettingFilter>().unwrap()],
        ..Default::default()
    }
}

both_engines! {
    async fn text_is_found_in_prompts_in_any_case_and_script(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "P").await;
        let prompts = [
            ("umlaut", "eine KLEINE Katze auf der STRASSE, ÄRGER"),
            ("german", "Kätzchen, Straße"),
            ("turkish", "İstanbul kedisi"),
            ("japanese", "夜に走る猫"),
            ("phrase", "the cat\n  walks slowly"),
            ("words", "slowly, the cat rests; it walks later"),
        ];
        let new = prompts.map(|(name, prompt)| asset(1).prompt(prompt).original_name(name));
        studio.create_assets(project, new.into()).await.unwrap();
        let system = asset(1).system_prompt("Only CATS").prompt("x").original_name("system");
        studio.create_asset(project, system).await.unwrap();
        studio.create_asset(project, asset(1).original_name("cat.png")).await.unwrap();
        for (words, expected) in [
            (&["straße"][..], &["umlaut", "german"][..]),
            (&["ärger"], &["umlaut"]),
            (&["KÄTZCHEN"], &["german"]),
            (&["katzchen"], &[]),
            (&["istanbul"], &["turkish"]),
            (&["ISTANBUL"], &["turkish"]),
            (&["走る"], &["japanese"]),
            (&["cat walks"], &["phrase"]),
            (&["walks", "cat"], &["phrase", "words"]),
            (&["cat"], &["phrase", "words", "system"]),
            (&["cats", "only"], &["system"]),
            (&["%"], &[]),
            (&["cat", "dog"], &[]),
        ] {
            assert_eq!(found(&studio, project, &with_text(words)).await, expected, "{words:?}");
        }
        let one = search(&studio, Some(project), &with_text(&["CAT walks"])).await;
        let place = &one[0].matches[0];
        assert_eq!(place.field, MatchedField::Prompt);
        assert_eq!((place.before.as_str(), place.found.as_str(), place.after.as_str()),
            ("the ", "cat\n  walks", " slowly"));
        let system = search(&studio, Some(project), &with_text(&["only"])).await;
        assert_eq!(system[0].matches[0].field, MatchedField::SystemPrompt);
    }

    async fn settings_are_found_by_path_value_and_type(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "P").await;
        let settings = [
            ("number", r#"{"steps":20,"sampler":{"name":"euler"},"loras":[{"w":0.5}]}"#),
            ("double", r#"{"steps":20.0,"a.b":1}"#),
            ("text", r#"{"steps":"20","big":9007199254740993}"#),
            ("empty", r#"{"on":true,"none":null}"#),
        ];
        let new = settings.map(|(name, settings)| {
            asset(1).settings(Json::parse(settings).unwrap()).original_name(name)
        });
        studio.create_assets(project, new.into()).await.unwrap();
        studio.create_asset(project, asset(1).original_name("upload")).await.unwrap();
        for (setting, expected) in [
            ("steps=20", &["number", "double"][..]),
            ("steps=2e1", &["number", "double"]),
            ("steps=\"20\"", &["text"]),
            ("sampler.name=euler", &["number"]),
            ("sampler={\"name\":\"euler\"}", &["number"]),
            ("/loras/0/w=0.5", &["number"]),
            ("loras.0.w=0.50", &["number"]),
            ("a.b=1", &[]),
            ("/a.b=1", &["double"]),
            ("big=9007199254740993", &["text"]),
            ("on=true", &["empty"]),
            ("none=null", &["empty"]),
            ("missing=null", &[]),
        ] {
            assert_eq!(found(&studio, project, &with_setting(setting)).await, expected, "{setting}");
        }
    }

    async fn models_are_found_by_name_and_by_beginning(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "P").await;
        let models = ["flux", "flux-2", "Flux-2", "fluxus", "gpt"];
        let new = models.map(|model| asset(1).model(model).original_name(model));
        studio.create_assets(project, new.into()).await.unwrap();
        studio.create_asset(project, asset(1).original_name("upload")).await.unwrap();
        let with = |model: ModelFilter| SearchFilter { model: Some(model), ..Default::default() };
        let named = with(ModelFilter::Named("flux".to_owned()));
        assert_eq!(found(&studio, project, &named).await, ["flux"]);
        let beginning = with(ModelFilter::Beginning("flux".to_owned()));
        assert_eq!(found(&studio, project, &beginning).await, ["flux", "flux-2", "fluxus"]);
        let any = with(ModelFilter::Beginning(String::new()));
        assert_eq!(found(&studio, project, &any).await, models, "whatever has a model");
    }

    async fn what_was_made_from_something_is_found_at_any_depth(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "P").await;
        let make = async |name: &str, inputs: &[AssetId]| {
            let made = asset(1).original_name(name).prompt(name);
            let made = inputs.iter()
                .fold(made, |made, id| made.made_from(*id, ReferenceRole::Other));
            studio.create_asset(project, made).await.unwrap().id
        };
        let design = make("design", &[]).await;
        let other = make("other", &[]).await;
        let first = make("first", &[design, design]).await;
        let second = make("second", &[first]).await;
        let last = make("third", &[second, design]).await;
        make("alone", &[other]).await;
        let with = |asset_id, is_deep| SearchFilter {
            made_from: Some(MadeFrom { asset_id, is_deep }),
            ..SearchFilter::default()
        };
        assert_eq!(found(&studio, project, &with(design, false)).await, ["first", "third"]);
        let deep = with(design, true);
        assert_eq!(found(&studio, project, &deep).await, ["first", "second", "third"]);
        assert_eq!(found(&studio, project, &with(first, true)).await, ["second", "third"]);
        let both = SearchFilter { text: vec!["SECOND".to_owned()], ..deep.clone() };
        assert_eq!(found(&studio, project, &both).await, ["second"]);
        let elsewhere = self::project(&studio, "Q").await;
        assert_eq!(found(&studio, elsewhere, &deep).await, [""; 0]);
        // What was made from it is looked up when the search begins, the rest when it is read.
        let paged = studio.search(Some(project), &deep).await.unwrap();
        make("fourth", &[second]).await;
        studio.delete_asset(last).await.unwrap();
        let page = paged.page(PageRequest::default()).await.unwrap();
        assert_eq!(names(&page.rows), ["first", "second"]);
        assert_eq!(found(&studio, project, &deep).await, ["first", "second", "fourth"]);
        let unknown = with(studio.new_id(), false);
        let refused = studio.search_assets(None, &unknown, PageRequest::default()).await;
        assert_eq!(refused.unwrap_err().code(), "not_found");
    }

    async fn what_is_used_nowhere_is_found(bench) {
        let studio = bench.create().await;
        let input = studio.new_id();
        let named = |number: u32, name: &str| asset(number).original_name(name);
        let cat = NewCharacter::new("Cat").variation(named(1, "primary"))
            .variation(named(2, "spare"))
            .animation(NewAnimation::new("Walk").frame(NewFrame::new(named(3, "shown")))
                .take(named(4, "take").made_from(input, ReferenceRole::Style)));
        let tree = NewProject::new("P").character(cat).reference(named(5, "input").id(input))
            .reference(named(6, "thumbnail")).reference(named(7, "upload"));
        let tree = studio.create_project(tree).await.unwrap();
        let project = tree.project.id;
        let thumbnail = tree.references.iter()
            .find(|asset| asset.original_name.as_deref() == Some("thumbnail")).unwrap().id;
        let patch = ProjectPatch { thumbnail_id: Some(Some(thumbnail)), ..Default::default() };
        studio.update_project(project, patch).await.unwrap();
        let unused = SearchFilter { is_unused: true, ..SearchFilter::default() };
        let mut all = found(&studio, project, &unused).await;
        all.sort();
        assert_eq!(all, ["spare", "take", "upload"]);
        let takes = AssetFilter { kind: Some(AssetKind::Frame), ..AssetFilter::default() };
        let takes = SearchFilter { assets: takes, ..unused };
        assert_eq!(found(&studio, project, &takes).await, ["take"]);
    }

    async fn claims_are_searched_only_where_that_is_asked_for(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "P").await;
        let fields = Json::parse(r#"{"positive":["A \"quoted\" Cat"],"steps":20}"#).unwrap();
        let said = asset(1).original_name("said").prompt("night")
            .claim(NewClaim::new("comfyui").fields(fields))
            .claim(NewClaim::new("a1111").raw("Steps: 20, Sampler: ÄON"));
        let silent = asset(1).original_name("silent").prompt("a cat at night");
        studio.create_assets(project, vec![said, silent]).await.unwrap();
        assert_eq!(found(&studio, project, &with_text(&["cat"])).await, ["silent"]);
        let claimed = |words: &[&str]| SearchFilter { in_claims: true, ..with_text(words) };
        assert_eq!(found(&studio, project, &claimed(&["cat"])).await, ["said", "silent"]);
        assert_eq!(found(&studio, project, &claimed(&["\"quoted\" cat", "night", "äon"])).await, ["said"]);
        assert_eq!(found(&studio, project, &claimed(&["äon", "dog"])).await, [""; 0]);
        let matches = search(&studio, Some(project), &claimed(&["äon"])).await.remove(0).matches;
        assert_eq!((matches.len(), matches[0].field), (1, MatchedField::Claim));
        assert_eq!((matches[0].tool.as_deref(), matches[0].position), (Some("a1111"), Some(1)));
        assert_eq!(matches[0].found, "ÄON");
        let by_tool = SearchFilter { claim_tool: Some("a1111".to_owned()), ..Default::default() };
        assert_eq!(found(&studio, project, &by_tool).await, ["said"]);
        let by_tool = SearchFilter { claim_tool: Some("invokeai".to_owned()), ..Default::default() };
        assert_eq!(found(&studio, project, &by_tool).await, [""; 0]);
    }

    async fn conditions_hold_together_in_one_project_or_all(bench) {
        let studio = bench.create().await;
        let [one, two] = [project(&studio, "One").await, project(&studio, "Two").await];
        for (number, project) in (0..20_u32).map(|n| (n, if n % 2 == 0 { one } else { two })) {
            let new = asset(number).prompt(format!("pose {number}")).model("m")
                .original_name(number.to_string()).tag(if number < 10 { "low" } else { "high" })
                .created_at(MillisSinceEpoch(i64::from(number) * 1000));
            studio.create_asset(project, new).await.unwrap();
        }
        let poses = with_text(&["POSE 1"]);
        let everywhere = names(&search(&studio, None, &poses).await);
        let expected = ["1", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19"];
        assert_eq!(everywhere, expected);
        assert_eq!(found(&studio, one, &poses).await, ["10", "12", "14", "16", "18"]);
        let assets = AssetFilter {
            tag: Some("high".to_owned()),
            created_from: Some(MillisSinceEpoch(12_000)),
            created_before: Some(MillisSinceEpoch(16_000)),
            ..AssetFilter::default()
        };
        let all = SearchFilter { assets, model: Some(ModelFilter::Named("m".to_owned())), ..poses };
        assert_eq!(names(&search(&studio, None, &all).await), ["12", "13", "14", "15"]);
        assert_eq!(found(&studio, two, &all).await, ["13", "15"]);
    }

    async fn what_cannot_be_searched_for_is_refused(bench) {
        let studio = bench.create().await;
        let refused = async |filter: &SearchFilter, page: PageRequest<AssetId>| {
            studio.search_assets(None, filter, page).await.unwrap_err().to_string()
        };
        let empty = with_text(&[" \n"]);
        assert!(refused(&empty, PageRequest::default()).await.starts_with("text: there is nothing"));
        let many = with_text(&["word"; SearchFilter::MAX_TEXTS + 1]);
        assert!(refused(&many, PageRequest::default()).await.contains("at most 32 words"));
        let page = PageRequest::default().limit(0);
        assert!(refused(&SearchFilter::default(), page).await.starts_with("limit: expected 1 to"));
        let most = with_text(&["word"; SearchFilter::MAX_TEXTS]);
        assert_eq!(search(&studio, None, &most).await, []);
    }

    async fn a_rare_word_is_found_behind_thousands(bench) {
        let studio = bench.create().await;
        let project = project(&studio, "P").await;
        let stored = studio.store_image(&asset(1).image).unwrap();
        let new = (0..5_000).map(|number| {
            let image = pegbar::ImageSource::Stored(stored);
            let prompt = if number % 1777 == 1776 { "a rare word" } else { "common" };
            pegbar::NewAsset::new(image).prompt(prompt).original_name(number.to_string())
        });
        studio.create_assets(project, new.collect()).await.unwrap();
        let rare = with_text(&["rare"]);
        assert_eq!(found(&studio, project, &rare).await, ["1776", "3553"]);
        let all = search(&studio, Some(project), &SearchFilter::default()).await;
        assert_eq!(all.len(), 5_000);
    }
}
