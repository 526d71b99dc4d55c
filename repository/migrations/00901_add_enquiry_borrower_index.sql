-- +goose Up
-- What the screening last said of a page of borrowers, whichever case it was asked for.
ALTER TABLE enquiries ADD KEY ix_enquiries_borrower (borrower_id, source, id);
