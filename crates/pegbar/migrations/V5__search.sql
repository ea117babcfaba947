-- What searches by provenance go by: the assets that a model made, and those of which a program
-- claims something.
CREATE INDEX asset_model_idx ON asset (project_id, model, id);
CREATE INDEX asset_claim_tool_idx ON asset_claim (project_id, tool, asset_id);
-- What was made from an asset. SQLite takes the primary key instead, and reads every reference of
-- the project, unless the index has all that a query asks for.
--sqlite DROP INDEX asset_reference_referenced_idx;
--sqlite CREATE INDEX asset_reference_referenced_idx ON asset_reference (project_id, referenced_asset_id, role, sha256);
