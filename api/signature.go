package api

// signatureRoutes are the routes of contract texts and who signed them (合同签署).
func (s *server) signatureRoutes() []route { return nil }
