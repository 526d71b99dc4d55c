package origination

// Weigh is what becomes of one attempt of a self-test, so that a test can show what is no proof.
func Weigh(code string, beyond, within error) ControlProof {
	p := proofs{room: 1}
	p.add(ControlProof{}, code, beyond, within)
	return p.list[0]
}
