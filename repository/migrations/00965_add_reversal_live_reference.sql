-- +goose Up
-- The bank's number of a return while the reversal counts (requested or confirmed); empty after it was rejected. One return of a
-- transfer is booked once, whoever enters it and however often.
ALTER TABLE reversals
  ADD COLUMN live_reference VARCHAR(64) NULL AFTER channel_reference,
  ADD CONSTRAINT uk_reversals_live_reference UNIQUE (transfer_id, live_reference),
  ADD CONSTRAINT ck_reversals_live CHECK (live_reference IS NULL OR (status <> 'rejected' AND live_reference = channel_reference));
