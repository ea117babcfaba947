-- What searches by provenance go by: the assets that a model made, and those of which a program
-- claims something.
CREATE INDEX asset_model_idx ON asset (project_id, model, id);
CREATE INDEX asset_claim_tool_idx ON asset_claim (project_id, tool, asset_id);
