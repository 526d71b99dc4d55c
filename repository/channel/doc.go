// Package channel is the client of a payment channel (支付渠道): the bank's system that moves the money of a
// disbursement. It owns the protocol, which this comment describes completely enough for a partner to implement the
// other side; package sandbox beside it is such an implementation. It does not own when something is sent, queried or
// given up: that is the worker's business (docs/operations.md).
//
// # The one rule
//
// A payment is sent under an id that we choose, and the channel pays an id at most once. Whatever leaves doubt about
// what the channel did (time-out, lost connection, 5xx, an answer that is unreadable, unsigned or about something
// else) is StateUnknown and is answered by a query, never by a new id. Only a signed answer about our id and our amount
// makes a payment succeeded or failed.
//
// # Transport
//
// HTTP/1.1 or later over TLS; plain HTTP is accepted by this client for a loopback address only. The client follows
// no redirect, asks for no compression and uses no proxy. Bodies in both directions are one JSON object (RFC 8259) in
// UTF-8, Content-Type application/json, at most BodyMax bytes. All values are JSON strings: an amount is never a JSON
// number. In a request, unknown, repeated and missing fields and text after the object are refused with 400; in an answer
// repeated fields and trailing text are refused and unknown fields are ignored, so that a channel may add some.
// Instants are RFC 3339 with a zone.
//
// # Paying: POST /v1/payments
//
//	id             our id of this payment: a UUID in lower-case text. It is the channel's idempotency key, for ever.
//	amount         yuan with exactly two decimals, greater than zero, at most 16 digits before the point: "99500.00"
//	currency       "CNY"
//	payee_account  the account that receives (收款账号): 1 to 34 ASCII letters and digits
//	payee_name     its holder (户名): 1 to 140 characters
//	payee_bank     the bank that keeps it (开户行): 1 to 140 characters
//	purpose        what the payment is for (用途): 1 to 140 characters
//	remark         what the payee reads on the statement (附言): 0 to 140 characters; may be left out
//
// Texts contain no control characters. For an id it has not seen the channel decides, records, and only then answers.
// For an id it has seen, with the same field values, it answers what it recorded and pays nothing. For an id it has seen
// with any other field value it refuses with 409 id-used and pays nothing.
//
// The answer is 200, or 422 when the payment failed, with the payment:
//
//	id, amount, currency  as sent; the client checks all three
//	state                 succeeded | failed | processing
//	channel_reference     the channel's own number of it: 1 to 64 printable ASCII characters, in every state
//	accepted_at           when the channel recorded it
//	paid_at               with succeeded: when the money was booked; not later than the client's clock + TimeWindow
//	failure_code          with failed: one of the failure codes below, or another in kebab-case, at most 64 characters
//	failure_reason        with failed: one sentence for staff, without personal data
//
// Fields that do not belong to the state are absent or empty. succeeded and failed are final. failed means that no
// money moved and none will move under this id; another attempt needs another id. processing means: accepted, ask again.
//
// # Asking: GET /v1/payments/{id}
//
// 200 with the same payment document (also for failed), or 404 payment-not-found with the id. The request has no body.
// A 404 is believed only when it is signed, names our id and carries this code; a proxy's 404 is StateUnknown.
//
// # When "no such id" is final
//
// The channel checks a request's time (below) before it accepts it and must have recorded the payment, or dropped it for
// good, within one minute of that check. So a not_found answered later than NotFoundFinalAfter after the last sending
// means that nothing will come of that sending, and the payment may be sent once more, under the same id.
// An earlier not_found means nothing yet.
//
// # Refusals
//
// Every other answer is a refusal of the request, not of the payment:
//
//	code    kebab-case
//	reason  one sentence
//	id      the payment's id, where the request had a readable one
//
//	400 invalid-request      unreadable body, or a field that breaks a rule above
//	401 key-unknown          no such key id
//	401 signature-invalid    the signature is missing or wrong
//	401 time-outside-window  the request's time is more than TimeWindow from the channel's clock
//	404 payment-not-found    GET only: no payment has this id
//	404 path-not-found       no such path or method
//	409 id-used              the id was used for a payment with other fields
//	413 body-too-large       more than BodyMax bytes
//	415 not-json             Content-Type is not application/json
//	503 unavailable          come back later
//
// A refusal says nothing about an earlier request with the same id; therefore the client reports all of them, except a
// believed payment-not-found, as StateUnknown, with the code for whoever looks into it.
//
// # Failure codes
//
//	account-not-found        收款账户不存在
//	account-closed           收款账户已销户
//	account-frozen           收款账户已冻结
//	name-mismatch            户名与账号不符
//	amount-over-limit        超过渠道单笔或当日限额
//	insufficient-funds       付款账户余额不足
//	payee-bank-refused       收款行退回
//
// # Signatures
//
// Both sides share a secret of at least SecretBytesMin bytes, named by a key id of 1 to 64 characters from
// A-Z a-z 0-9 . _ - so that keys can be changed without a pause (the channel knows both for a while).
// A request carries three headers:
//
//	Fumin-Key-Id     the key id
//	Fumin-Time       when it was signed, UTC, whole seconds: 2026-08-23T02:30:00Z
//	Fumin-Signature  lower-case hexadecimal HMAC-SHA256 under the secret of these lines, joined by \n, none at the end:
//
//	FUMIN-REQUEST-HMAC-SHA256
//	<method>
//	<path as in the request line>
//	<Fumin-Time>
//	<Fumin-Key-Id>
//	<lower-case hexadecimal SHA-256 of the body; of the empty string when there is none>
//
// The channel checks key, signature and then time: at most TimeWindow from its own clock, either way. A request that is
// recorded and sent again inside the window does no harm: paying is idempotent, asking changes nothing.
//
// Every answer to a request whose signature was right carries Fumin-Signature, under the same key, of
//
//	FUMIN-ANSWER-HMAC-SHA256
//	<status code>
//	<Fumin-Signature of the request>
//	<lower-case hexadecimal SHA-256 of the body>
//
// It binds the answer to the request, so that an old answer, another request's answer (a connection on which the channel
// answered twice) or a proxy's error page is never taken for this payment's fate.
//
// # Example
//
// With the secret "0123456789abcdef0123456789abcdef" (as ASCII) and the key id "demo-1":
//
//	POST /v1/payments
//	Fumin-Key-Id: demo-1
//	Fumin-Time: 2026-08-23T02:30:00Z
//	Fumin-Signature: dcf245ae1ffaed84373d981c6d9ee3817f7d559d9d7df6a4db51015498bd6936
//
//	{"id":"0198d0c4-7a00-7000-8000-000000000001","amount":"99500.00","currency":"CNY","payee_account":"6228480000000000018","payee_name":"王秀兰","payee_bank":"中国农业银行曹县支行","purpose":"购买鸭苗"}
//
//	200
//	Fumin-Signature: 49caaa6fa50e1b105ba4da3fa2d3e19dd26f448de6444e2ba68a5d54b43c1818
//
//	{"id":"0198d0c4-7a00-7000-8000-000000000001","amount":"99500.00","currency":"CNY","state":"succeeded","channel_reference":"SBX-00000001","accepted_at":"2026-08-23T02:30:00Z","paid_at":"2026-08-23T02:30:00Z"}
package channel
