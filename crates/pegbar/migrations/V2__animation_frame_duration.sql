-- How long each frame of an animation is shown, in milliseconds.
ALTER TABLE animation ADD COLUMN frame_duration_ms {int}
    CONSTRAINT animation_frame_duration_check CHECK (frame_duration_ms > 0);
