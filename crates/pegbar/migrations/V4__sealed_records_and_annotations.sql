-- What is said of an asset after it was made: beside its record, never in it.
CREATE TABLE asset_annotation (
    id         {id}   NOT NULL PRIMARY KEY,
    project_id {id}   NOT NULL,
    asset_id   {id}   NOT NULL,
    author     {text},
    text       {text} NOT NULL,
    created_at {time} NOT NULL DEFAULT {now},
    CONSTRAINT asset_annotation_asset_fkey FOREIGN KEY (project_id, asset_id) REFERENCES asset (project_id, id) ON DELETE CASCADE,
    CONSTRAINT asset_annotation_text_check CHECK (text <> '')
){strict};
CREATE UNIQUE INDEX asset_annotation_asset_key ON asset_annotation (project_id, asset_id, id);

CREATE INDEX generation_model_idx ON generation (project_id, model, id);
CREATE INDEX generation_status_idx ON generation (project_id, status, id);

-- Sealing: whoever writes, what a record says is not changed any more. A record is there when
-- its bytes, its text and its hash are; what another program left open can still be completed.
-- The messages begin with `sealed:`, by which Pegbar knows them; so does the state PB001.

--begin sqlite
CREATE TRIGGER asset_sealed
BEFORE UPDATE OF sha256, generation_id, generation_prompt, generation_system_prompt,
    generation_settings, model, record, record_hash, created_at ON asset
WHEN OLD.sha256 IS NOT NULL AND OLD.record IS NOT NULL AND OLD.record_hash IS NOT NULL
    AND (NEW.sha256 IS NOT OLD.sha256
        OR NEW.generation_id IS NOT OLD.generation_id
        OR NEW.generation_prompt IS NOT OLD.generation_prompt
        OR NEW.generation_system_prompt IS NOT OLD.generation_system_prompt
        OR NEW.generation_settings IS NOT OLD.generation_settings
        OR NEW.model IS NOT OLD.model
        OR NEW.record IS NOT OLD.record
        OR NEW.record_hash IS NOT OLD.record_hash
        OR NEW.created_at IS NOT OLD.created_at)
BEGIN
    SELECT RAISE(ABORT, 'sealed: what made an asset is recorded and does not change; make a new asset, or add an annotation');
END;

CREATE TRIGGER asset_reference_sealed_update
BEFORE UPDATE ON asset_reference
WHEN (NEW.project_id IS NOT OLD.project_id OR NEW.asset_id IS NOT OLD.asset_id
        OR NEW.position IS NOT OLD.position
        OR NEW.referenced_asset_id IS NOT OLD.referenced_asset_id
        OR NEW.role IS NOT OLD.role OR NEW.sha256 IS NOT OLD.sha256)
    AND EXISTS (SELECT 1 FROM asset a
        WHERE a.project_id = OLD.project_id AND a.id = OLD.asset_id
        AND a.sha256 IS NOT NULL AND a.record IS NOT NULL AND a.record_hash IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'sealed: what an asset was made from is recorded and does not change; make a new asset, or add an annotation');
END;

-- Where the asset itself goes, its row is gone before this is asked.
CREATE TRIGGER asset_reference_sealed_delete
BEFORE DELETE ON asset_reference
WHEN EXISTS (SELECT 1 FROM asset a
        WHERE a.project_id = OLD.project_id AND a.id = OLD.asset_id
        AND a.sha256 IS NOT NULL AND a.record IS NOT NULL AND a.record_hash IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'sealed: what an asset was made from is recorded and does not change; make a new asset, or add an annotation');
END;

-- A recorded input names the bytes that were sent; one without them comes from a program that
-- adds to what is sealed.
CREATE TRIGGER asset_reference_sealed_insert
BEFORE INSERT ON asset_reference
WHEN NEW.sha256 IS NULL
    AND EXISTS (SELECT 1 FROM asset a
        WHERE a.project_id = NEW.project_id AND a.id = NEW.asset_id
        AND a.sha256 IS NOT NULL AND a.record IS NOT NULL AND a.record_hash IS NOT NULL)
BEGIN
    SELECT RAISE(ABORT, 'sealed: what an asset was made from is recorded and does not change; make a new asset, or add an annotation');
END;

CREATE TRIGGER generation_sealed
BEFORE UPDATE ON generation
WHEN NEW.id IS NOT OLD.id OR NEW.project_id IS NOT OLD.project_id OR NEW.request IS NOT OLD.request
    OR NEW.model IS NOT OLD.model OR NEW.status IS NOT OLD.status OR NEW.error IS NOT OLD.error
    OR NEW.duration_ms IS NOT OLD.duration_ms OR NEW.input_tokens IS NOT OLD.input_tokens
    OR NEW.output_tokens IS NOT OLD.output_tokens OR NEW.price IS NOT OLD.price
    OR NEW.created_at IS NOT OLD.created_at
BEGIN
    SELECT RAISE(ABORT, 'sealed: a generation is recorded once and does not change; record a new one');
END;

CREATE TRIGGER asset_annotation_sealed
BEFORE UPDATE ON asset_annotation
BEGIN
    SELECT RAISE(ABORT, 'sealed: an annotation does not change; delete it and add another');
END;
--end sqlite

--begin postgres
CREATE FUNCTION pegbar_refuse_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PB001', MESSAGE = 'sealed: ' || TG_ARGV[0];
END
$$;

-- The path is kept: who writes may look for tables elsewhere.
CREATE FUNCTION pegbar_refuse_sealed_reference() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    project uuid;
    output uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        project := NEW.project_id;
        output := NEW.asset_id;
    ELSE
        project := OLD.project_id;
        output := OLD.asset_id;
    END IF;
    -- Where the asset itself goes, its row is gone before this is asked.
    PERFORM 1 FROM asset a WHERE a.project_id = project AND a.id = output
        AND a.sha256 IS NOT NULL AND a.record IS NOT NULL AND a.record_hash IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'PB001', MESSAGE = 'sealed: what an asset was made from '
            'is recorded and does not change; make a new asset, or add an annotation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER asset_sealed
BEFORE UPDATE OF sha256, generation_id, generation_prompt, generation_system_prompt,
    generation_settings, model, record, record_hash, created_at ON asset
FOR EACH ROW
WHEN (OLD.sha256 IS NOT NULL AND OLD.record IS NOT NULL AND OLD.record_hash IS NOT NULL
    AND (NEW.sha256, NEW.generation_id, NEW.generation_prompt, NEW.generation_system_prompt,
        NEW.generation_settings, NEW.model, NEW.record, NEW.record_hash, NEW.created_at)
    IS DISTINCT FROM
        (OLD.sha256, OLD.generation_id, OLD.generation_prompt, OLD.generation_system_prompt,
        OLD.generation_settings, OLD.model, OLD.record, OLD.record_hash, OLD.created_at))
EXECUTE FUNCTION pegbar_refuse_sealed('what made an asset is recorded and does not change; make a new asset, or add an annotation');

CREATE TRIGGER asset_reference_sealed_update
BEFORE UPDATE ON asset_reference
FOR EACH ROW
WHEN (NEW IS DISTINCT FROM OLD)
EXECUTE FUNCTION pegbar_refuse_sealed_reference();

CREATE TRIGGER asset_reference_sealed_delete
BEFORE DELETE ON asset_reference
FOR EACH ROW
EXECUTE FUNCTION pegbar_refuse_sealed_reference();

-- A recorded input names the bytes that were sent; one without them comes from a program that
-- adds to what is sealed.
CREATE TRIGGER asset_reference_sealed_insert
BEFORE INSERT ON asset_reference
FOR EACH ROW
WHEN (NEW.sha256 IS NULL)
EXECUTE FUNCTION pegbar_refuse_sealed_reference();

CREATE TRIGGER generation_sealed
BEFORE UPDATE ON generation
FOR EACH ROW
WHEN (NEW IS DISTINCT FROM OLD)
EXECUTE FUNCTION pegbar_refuse_sealed('a generation is recorded once and does not change; record a new one');

CREATE TRIGGER asset_annotation_sealed
BEFORE UPDATE ON asset_annotation
FOR EACH ROW
EXECUTE FUNCTION pegbar_refuse_sealed('an annotation does not change; delete it and add another');
--end postgres
