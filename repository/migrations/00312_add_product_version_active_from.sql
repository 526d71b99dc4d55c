-- +goose Up
-- The database's half of "one version a region and day": of the active versions of a prefix no two begin on one day. Drafts
-- have no active_from, so any number of them may wait for the same day.
ALTER TABLE product_versions
  ADD COLUMN active_from DATE GENERATED ALWAYS AS (CASE WHEN status = 'active' THEN effective_from END) STORED,
  ADD CONSTRAINT uk_product_versions_active UNIQUE (product_code, region_prefix, active_from);
