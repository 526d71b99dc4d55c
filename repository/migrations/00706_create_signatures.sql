-- +goose Up
CREATE TABLE signatures (
  id             CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  text_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  party_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  role           VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  method         VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  shown_sha256   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  drawing_cipher MEDIUMBLOB NOT NULL,
  drawing_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  reference      VARCHAR(64) NOT NULL,
  taken_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  signed_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_signatures_party UNIQUE (party_id),
  KEY ix_signatures_text (text_id, signed_at),
  CONSTRAINT fk_signatures_text FOREIGN KEY (text_id) REFERENCES contract_texts (id),
  CONSTRAINT fk_signatures_party FOREIGN KEY (party_id) REFERENCES contract_parties (id),
  CONSTRAINT ck_signatures_method CHECK (method IN ('tablet_drawing','sms_code','e_signature')),
  CONSTRAINT ck_signatures_drawing CHECK ((method = 'tablet_drawing') = (drawing_sha256 IS NOT NULL))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
