-- +goose Up
CREATE TABLE licences (
  id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  borrower_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position    SMALLINT NOT NULL,
  kind        VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  no          VARCHAR(60) NOT NULL,
  issuer      VARCHAR(60) NOT NULL,
  issued_on   DATE NOT NULL,
  expires_on  DATE NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_licences_position UNIQUE (borrower_id, position),
  KEY ix_licences_expires_on (expires_on, borrower_id),
  CONSTRAINT fk_licences_borrower FOREIGN KEY (borrower_id) REFERENCES borrowers (id),
  CONSTRAINT ck_licences_expires_on CHECK (expires_on IS NULL OR expires_on >= issued_on)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
