package origination

// ExposureReader reads what a household or a borrower owes or may draw, against the limits (授信余额).
type ExposureReader interface{}

// ExposureWriter writes what a household or a borrower owes or may draw, against the limits (授信余额).
type ExposureWriter interface{}
