-- +goose Up
CREATE TABLE contract_parties (
  id               CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  text_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position         SMALLINT NOT NULL,
  role             VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name             VARCHAR(200) NOT NULL,
  signer_name      VARCHAR(200) NOT NULL,
  id_number_cipher VARBINARY(255) NOT NULL,
  phone_cipher     VARBINARY(255) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_contract_parties_position UNIQUE (text_id, position),
  CONSTRAINT fk_contract_parties_text FOREIGN KEY (text_id) REFERENCES contract_texts (id),
  CONSTRAINT ck_contract_parties_role CHECK (role IN ('borrower','spouse','guarantor','member'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
