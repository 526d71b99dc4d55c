-- +goose Up
CREATE TABLE cooling_off_waivers (
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  statement      VARCHAR(500) NOT NULL,
  waived_by      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  waived_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (application_id),
  CONSTRAINT uk_cooling_off_waivers_id UNIQUE (id),
  CONSTRAINT fk_cooling_off_waivers_contract FOREIGN KEY (application_id) REFERENCES contracts (application_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
