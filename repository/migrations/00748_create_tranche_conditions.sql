-- +goose Up
CREATE TABLE tranche_conditions (
  id                 CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id     CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tranche            SMALLINT NOT NULL,
  number             SMALLINT NOT NULL,
  branch_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind               VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  text               VARCHAR(200) NOT NULL,
  document_reference VARCHAR(100) NOT NULL,
  document_sha256    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fulfilled_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  fulfilled_at       DATETIME(6) NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_tranche_conditions_number UNIQUE (application_id, tranche, number),
  CONSTRAINT fk_tranche_conditions_tranche FOREIGN KEY (application_id, tranche) REFERENCES tranches (application_id, number),
  CONSTRAINT ck_tranche_conditions_kind CHECK (kind IN ('site_visit','stage_reached','document','other')),
  CONSTRAINT ck_tranche_conditions_fulfilled CHECK ((fulfilled_at IS NULL) = (fulfilled_by IS NULL) AND (fulfilled_at IS NULL) = (document_sha256 = ''))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
