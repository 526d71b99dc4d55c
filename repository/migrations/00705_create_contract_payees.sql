-- +goose Up
CREATE TABLE contract_payees (
  text_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position       SMALLINT NOT NULL,
  branch_id      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  method         VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name           VARCHAR(200) NOT NULL,
  account_cipher VARBINARY(255) NOT NULL,
  bank_name      VARCHAR(100) NOT NULL,
  amount         DECIMAL(18,2) NOT NULL,
  bought         VARCHAR(200) NOT NULL,
  PRIMARY KEY (text_id, position),
  CONSTRAINT fk_contract_payees_text FOREIGN KEY (text_id) REFERENCES contract_texts (id),
  CONSTRAINT ck_contract_payees_method CHECK (method IN ('self_payment','entrusted_payment')),
  CONSTRAINT ck_contract_payees_amount CHECK (amount > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
