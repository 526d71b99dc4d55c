-- +goose Up
ALTER TABLE loan_notes
  MODIFY COLUMN late JSON NOT NULL;
