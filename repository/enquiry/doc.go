// Package enquiry speaks to the institutions that are asked about a case (外部查询): the credit bureau, the screening against
// blacklists and sanctions lists, and the guarantee company's pre-check. It owns the wire and nothing else: what is asked, when,
// and what an answer means for a case is domain/origination's.
//
// Each is one POST of a JSON object, signed as payments are (package channel: the same three headers, the same lines), and one
// signed JSON object back. Everything personal stands in the body, never in a path.
//
//	POST /v1/credit-enquiries    bureau
//	POST /v1/screenings          screening
//	POST /v1/guarantee-prechecks pre-check
//
// The question:
//
//	id                    ours, a UUID: the same id is the same question, answered the same and counted once
//	name                  姓名 or 名称
//	id_type               identity_number or credit_code
//	id_number
//	consent_id            bureau and pre-check: under which consent
//	consent_text_version  likewise
//	amount, term_months, product_code   pre-check only
//
// The answer, 200:
//
//	id                    as asked
//	result                bureau: clear, adverse, no_record; screening: clear, hit; pre-check: accepted, refused, refer
//	overdue_now, overdue_amount, enquiries_6_months, liabilities   bureau only
//	note                  at most 200 characters
//	reference             the institution's own number, 1 to 64 characters
//
// Anything else, unsigned, late, longer than channel.BodyMax or about another id, is no answer.
package enquiry
