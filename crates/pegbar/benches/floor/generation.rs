//! Recording a generation beside creating the same asset without one: both ours.

use pegbar::{
    AssetId, GenerationInput, GenerationOutput, ImageSource, Json, NewAsset, NewGeneration,
    NewProject, ProjectId, ReferenceRole,
};

use crate::Outcome;
use crate::intake::{noise, with_comment};
use crate::measure::Cost;
use crate::race::{Race, Side};
use crate::scenario::Scale;
use crate::site::Site;

const PROMPT: &str = "passing pose, pixel art, 64 by 64, transparent background, no outline";
const SETTINGS: &str = r#"{"cfg":7.5,"steps":30,"seed":1000003,"sampler":"euler"}"#;

/// Records images of 100 kB made from two others, one call each, and images that the store has
/// already, where nothing but rows and the view is left.
pub(crate) async fn generation(site: &Site, scale: Scale, goal: f64) -> Outcome<Vec<Race>> {
    let count = scale.files / 10;
    let mut races = vec![
        Race::new(
            format!("record {count} generations ÷ creating their assets"),
            goal,
        ),
        Race::new("  … of bytes that are stored already", goal),
    ];
    let project = site.studio.create_project(NewProject::new("P")).await?;
    let project = project.project.id;
    let template = noise()?;
    let inputs = [0, 1].map(|n| with_comment(&template, &format!("input {n}")));
    let inputs = inputs.map(NewAsset::from_bytes).into();
    let inputs = site.studio.create_assets(project, inputs).await?;
    let inputs: Vec<AssetId> = inputs.iter().map(|asset| asset.id).collect();
    for round in 0..=scale.rounds {
        for (race, is_stored) in races.iter_mut().zip([false, true]) {
            for side in Race::order(round) {
                // Bytes of its own for each: what is there already is not written again.
                let image = |n| {
                    let text = format!("{round} {side:?} {is_stored} {n}");
                    let bytes = ImageSource::Bytes(with_comment(&template, &text));
                    if is_stored {
                        return site.studio.store_image(&bytes).map(ImageSource::Stored);
                    }
                    Ok(bytes)
                };
                let images: Vec<ImageSource> = (0..count).map(image).collect::<Result<_, _>>()?;
                let cost = match side {
                    Side::Ours => record(site, project, &inputs, images).await?,
                    Side::Floor => create(site, project, &inputs, images).await?,
                };
                if round > 0 {
                    race.add(side, cost);
                }
            }
        }
    }
    Ok(races)
}

async fn record(
    site: &Site,
    project: ProjectId,
    inputs: &[AssetId],
    images: Vec<ImageSource>,
) -> Outcome<Cost> {
    let settings = Json::parse(SETTINGS)?;
    let start = site.meter.start();
    for image in images {
        let output = GenerationOutput::new(NewAsset::new(image));
        let mut new = NewGeneration::succeeded(vec![output])
            .prompt(PROMPT)
            .model("sprite-xl-2")
            .settings(settings.clone());
        for input in inputs {
            new = new.input(GenerationInput::asset(*input, ReferenceRole::Character));
        }
        let recorded = site.studio.record_generation(project, new).await?;
        if recorded.outputs[0].references.len() != inputs.len() {
            return Err("an input is missing".into());
        }
    }
    Ok(site.meter.stop(&start))
}

async fn create(
    site: &Site,
    project: ProjectId,
    inputs: &[AssetId],
    images: Vec<ImageSource>,
) -> Outcome<Cost> {
    let settings = Json::parse(SETTINGS)?;
    let start = site.meter.start();
    for image in images {
        let mut new = NewAsset::new(image)
            .prompt(PROMPT)
            .model("sprite-xl-2")
            .settings(settings.clone());
        for input in inputs {
            new = new.made_from(*input, ReferenceRole::Character);
        }
        let created = site.studio.create_asset(project, new).await?;
        if created.references.len() != inputs.len() {
            return Err("an input is missing".into());
        }
    }
    Ok(site.meter.stop(&start))
}
