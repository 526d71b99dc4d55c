-- +goose Up
-- The lines that 00767 made of payments from before have no loan notes yet: the service writes them when it starts (a schedule is
-- not computed in SQL), and takes the mark away. The index finds what is left.
ALTER TABLE credit_lines
  ADD COLUMN notes_missing BOOLEAN NOT NULL DEFAULT 0 AFTER notes_count,
  ADD KEY ix_credit_lines_notes_missing (notes_missing, application_id);
