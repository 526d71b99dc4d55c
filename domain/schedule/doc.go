// Package schedule owns what a loan costs and when: repayment methods, due dates, day counts, the rows of a repayment
// plan (还款计划) and the yearly cost (综合年化成本). It is pure arithmetic on exact decimals: no clock, no storage, no
// calendar of its own (a lender loads one), and no float outside search.go, which says why.
//
// Terms say what is lent and how it is repaid; Build makes the Plan, CostOf the YearlyCost, Quote both; CashFlowRates
// compares another lender's paper. docs/quotes.md explains every convention with figures that a test repeats.
package schedule
