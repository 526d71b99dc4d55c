package api

// guaranteeRoutes are the routes of the guarantee companies and their letters (农担担保).
func (s *server) guaranteeRoutes() []route { return nil }
