-- +goose Up
-- The case whose line this one renews without repaying its principal first. Set when the case is opened, never changed.
ALTER TABLE applications
  ADD COLUMN renews_application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER product_code,
  ADD KEY ix_applications_renews (renews_application_id, id),
  ADD CONSTRAINT fk_applications_renews FOREIGN KEY (renews_application_id) REFERENCES applications (id);
