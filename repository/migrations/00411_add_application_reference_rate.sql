-- +goose Up
-- The publication of the LPR by which the application's price was last judged, beside the version it was judged by.
ALTER TABLE applications
  ADD COLUMN reference_rate_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER product_version_id;
