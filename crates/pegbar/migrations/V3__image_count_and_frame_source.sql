-- How many images the file of an asset holds (an animated GIF, PNG or WebP holds several), and
-- the id that a frame had in the app it was imported from.
ALTER TABLE asset ADD COLUMN image_count {int}
    CONSTRAINT asset_image_count_check CHECK (image_count > 0);
ALTER TABLE frame ADD COLUMN source_id {text};
CREATE INDEX frame_source_id_idx ON frame (project_id, source_id);
CREATE INDEX project_source_id_idx ON project (source_id);
