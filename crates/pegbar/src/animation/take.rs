//! Takes: the assets that were made for an animation, shown or not.

use super::project_of;
use crate::asset::{Asset, AssetFilter, NewAsset};
use crate::create::Plan;
use crate::error::Result;
use crate::id::{AnimationId, AssetId};
use crate::page::{Page, PageRequest};
use crate::studio::Studio;

impl Studio {
    /// Adds takes that no frame shows to an animation, in one transaction, in their order.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the animation; [`crate::Error::NotAnImage`], [`crate::Error::Invalid`],
    /// [`crate::Error::Io`]. Nothing is created then.
    pub async fn create_takes(
        &self,
        animation: AnimationId,
        new: Vec<NewAsset>,
    ) -> Result<Vec<Asset>> {
        let mut plan = Plan::new(self);
        plan.takes(animation, new)?;
        Ok(plan.commit().await?.assets)
    }

    /// Lists the takes that were made for an animation, shown or not, in the order of their ids.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for the animation; [`crate::Error::Invalid`] for a page size out of range.
    pub async fn list_takes(
        &self,
        animation: AnimationId,
        page: PageRequest<AssetId>,
    ) -> Result<Page<Asset>> {
        let project = project_of(&mut self.database().read().await?, animation).await?;
        let filter = AssetFilter {
            animation_id: Some(animation),
            ..AssetFilter::default()
        };
        self.list_assets(project, &filter, page).await
    }
}
