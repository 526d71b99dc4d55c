package repository

// InScope and InScopeOf for the tests outside this package.
var (
	InScope   = inScope
	InScopeOf = inScopeOf
)
