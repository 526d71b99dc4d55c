-- +goose Up
-- Amounts stand in the outcome as text with two decimals, so the cast rounds nothing. What the coded rules said, they alone said.
UPDATE decisions SET rules_result = result,
  rules_amount = CAST(JSON_UNQUOTE(JSON_EXTRACT(outcome, '$.amount_max')) AS DECIMAL(18,2));
