-- +goose Up
ALTER TABLE applications ADD CONSTRAINT ck_applications_status CHECK (status IN
  ('draft','reviewing','returned','approved','declined','signed','disbursed','closed','withdrawn','expired'));
