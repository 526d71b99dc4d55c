package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"fumin/domain/money"
	"fumin/scripts/drive"
)

// bookClients is how many officers' tablets work at the same time.
const bookClients = 8

// playBook lends the whole book, loan by loan over HTTP, and then asks every report, in every format, what it comes to.
func playBook(ctx context.Context, p *play) error {
	manager, err := p.enter(ctx, "manager")
	if err != nil {
		return err
	}
	desk, err := p.deskOf(ctx, manager)
	if err != nil {
		return err
	}
	before, err := desk.ledger(ctx, p)
	if err != nil {
		return err
	}
	amounts, total, err := p.facts.amounts()
	if err != nil {
		return err
	}
	p.show("the book so far: %d payments, %s yuan", before.rows, before.sum.Grouped())
	p.pause()
	if err := p.lendAll(ctx, amounts); err != nil {
		return err
	}
	want := bookSum{rows: before.rows + len(amounts), sum: before.sum.Add(total)}
	p.tell("Every format and total must say: %d payments, %s yuan", want.rows, want.sum.Grouped())
	p.pause()
	for _, check := range []func(context.Context, *play, bookSum) error{
		desk.checkPages, desk.checkCSV, desk.checkXLSX, desk.checkParquet, desk.checkBalance, desk.checkChart, desk.checkOnePager,
	} {
		if err := check(ctx, p, want); err != nil {
			return err
		}
	}
	p.show("%d loans, %s yuan: every format, total and chart says so", len(amounts), total.Grouped())
	p.pause()
	return nil
}

// bookSum is what a report comes to.
type bookSum struct {
	rows int
	sum  money.Amount
}

// amounts are the loans of the book: the total split to the fen, and then moved from one loan of a pair to the other so that
// they are not all alike. Fewer loans than the whole book are its first ones.
func (f facts) amounts() (amounts []money.Amount, total money.Amount, err error) {
	whole, err := money.ParseAmount(f.Total)
	if err != nil {
		return nil, money.Amount{}, fmt.Errorf("stories.json: total: %w", err)
	}
	amounts = whole.Split(f.BookLoans)
	for i := 0; i+1 < len(amounts); i += 2 {
		moved := money.Fen(int64(i) * 791_953 % 6_000_000) // below 60,000.00
		amounts[i], amounts[i+1] = amounts[i].Add(moved), amounts[i+1].Sub(moved)
	}
	amounts = amounts[:min(f.Loans, len(amounts))]
	return amounts, money.Sum(amounts...), nil
}

// lendAll takes every loan from the borrower's file to the release, and waits until all are paid.
func (p *play) lendAll(ctx context.Context, amounts []money.Amount) error {
	p.tell("%d loans: file, application, decision, contract, request and release, %d at a time", len(amounts), bookClients)
	team, err := p.service.Team(ctx, p.book.cast("shop-officer").Username, p.book.cast("shop-releaser").Username, p.password)
	if err != nil {
		return err
	}
	begun := time.Now()
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, bookClients)
	paid := make([]string, len(amounts))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for client := range bookClients {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(amounts) {
					return
				}
				if paid[i], failures[client] = p.lend(ctx, team, amounts[i]); failures[client] != nil {
					stop()
					return
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, id := range paid {
		if _, err := team.Releaser.AwaitDisbursement(ctx, id, "succeeded"); err != nil {
			return err
		}
	}
	took := time.Since(begun)
	p.show("all paid after %s, %.0f loans a second", took.Round(time.Second), float64(len(amounts))/took.Seconds())
	p.pause()
	return nil
}

func (p *play) lend(ctx context.Context, team drive.Team, amount money.Amount) (disbursementID string, err error) {
	f := p.facts
	person := p.people.Adult(f.Borrower, today())
	file := drive.ShopFile{BusinessName: f.BusinessName, RegionCode: f.Region, Address: f.Address}
	borrower, err := drive.Ask[drive.Borrower](ctx, team.Officer, drive.NewSoleProprietor(person, file, time.Now()), http.StatusCreated)
	if err != nil {
		return "", err
	}
	licence := drive.AddLicence(borrower.ID, "business", person.CreditCode, today().AddMonths(-f.BusinessMonths), today().AddMonths(10*12))
	if _, err := drive.Ask[drive.Borrower](ctx, team.Officer, licence, http.StatusCreated); err != nil {
		return "", err
	}
	request := f.request()
	request.Amount = amount.String()
	d, err := team.UntilRequested(ctx, borrower.ID, request, today())
	if err != nil {
		return "", err
	}
	_, err = drive.Ask[drive.Disbursement](ctx, team.Releaser, drive.Release(d.ID), http.StatusOK)
	return d.ID, err
}

// desk is the reporting desk of one branch, for today and one product.
type desk struct {
	manager player
	branch  string
	query   string // of reports over a range
	asOf    string // of reports of a moment
}

func (p *play) deskOf(ctx context.Context, manager player) (desk, error) {
	branches, err := drive.Ask[struct {
		Items []struct {
			ID   string `json:"id"`
			Code string `json:"code"`
			Name string `json:"name"`
		} `json:"items"`
	}](ctx, manager.session, drive.Read("/v1/branches"), http.StatusOK)
	if err != nil {
		return desk{}, err
	}
	for _, b := range branches.Items {
		if b.Code == p.facts.Region[:6] {
			scope := fmt.Sprintf("&branch_id=%s&product_code=%s", b.ID, p.facts.Product)
			return desk{
				manager: manager, branch: b.ID,
				query: fmt.Sprintf("?from=%s&to=%s&as_of=%s%s", today(), today(), today(), scope), asOf: fmt.Sprintf("?as_of=%s%s", today(), scope),
			}, nil
		}
	}
	return desk{}, fmt.Errorf("no branch %s among the manager's", p.facts.Region[:6])
}

const ledgerPath = "/v1/reports/disbursement-ledger/"

// file fetches a report's file and tells of it.
func (d desk) file(ctx context.Context, p *play, what, path string) ([]byte, error) {
	p.tell("%s takes %s", d.manager.Name, what)
	call := drive.Read(path)
	answer, err := d.manager.session.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	p.exchange(call, answer)
	if answer.Status != http.StatusOK {
		return nil, &drive.RefusedError{Answer: answer, Want: http.StatusOK}
	}
	p.show("%d bytes", len(answer.Body))
	return answer.Body, nil
}

// ledger reads the CSV: the rows as they are added up here, which must be what the total line says.
func (d desk) ledger(ctx context.Context, p *play) (bookSum, error) {
	body, err := d.file(ctx, p, "the disbursement ledger (放款台账) as CSV", ledgerPath+"file"+d.query+"&format=csv")
	if err != nil {
		return bookSum{}, err
	}
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return bookSum{}, err
	}
	var found bookSum
	for _, record := range records[1:] {
		amount, err := money.ParseAmount(record[len(record)-1])
		switch {
		case err != nil:
			return bookSum{}, err
		case strings.HasPrefix(record[0], "小计"):
		case record[0] == "合计":
			if !amount.Equal(found.sum) {
				return bookSum{}, differs("the total line", amount, found.sum)
			}
		default:
			found.rows++
			found.sum = found.sum.Add(amount)
		}
	}
	return found, nil
}

func (w bookSum) check(p *play, what string, rows int, sum money.Amount) error {
	if rows != w.rows || !sum.Equal(w.sum) {
		return differs(what, fmt.Sprintf("%d payments, %s yuan", rows, sum), fmt.Sprintf("%d payments, %s yuan", w.rows, w.sum))
	}
	p.show("%s: %d payments, %s yuan", what, rows, sum.Grouped())
	p.pause()
	return nil
}

func (d desk) checkCSV(ctx context.Context, p *play, want bookSum) error {
	found, err := d.ledger(ctx, p)
	if err != nil {
		return err
	}
	return want.check(p, "the rows, the subtotal and the total of the CSV", found.rows, found.sum)
}

// checkPages adds up the JSON pages.
func (d desk) checkPages(ctx context.Context, p *play, want bookSum) error {
	p.tell("%s reads the ledger page by page", d.manager.Name)
	var found bookSum
	for path := ledgerPath + "rows" + d.query + "&limit=500&columns=amount"; path != ""; {
		page, err := drive.Ask[struct {
			Items [][]string `json:"items"`
			Next  *string    `json:"next"`
		}](ctx, d.manager.session, drive.Read(path), http.StatusOK)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			amount, err := money.ParseAmount(item[0])
			if err != nil {
				return err
			}
			found.rows++
			found.sum = found.sum.Add(amount)
		}
		path = ""
		if page.Next != nil {
			path = *page.Next
		}
	}
	return want.check(p, "the pages together", found.rows, found.sum)
}

// checkXLSX adds up the cells of the workbook as numbers, and reads its sheet about itself.
func (d desk) checkXLSX(ctx context.Context, p *play, want bookSum) error {
	body, err := d.file(ctx, p, "the ledger as a workbook", ledgerPath+"file"+d.query+"&format=xlsx")
	if err != nil {
		return err
	}
	workbook, err := excelize.OpenReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = workbook.Close() }()
	rows, err := workbook.GetRows("数据", excelize.Options{RawCellValue: true})
	if err != nil {
		return err
	}
	var found bookSum
	for _, row := range rows[1:] {
		amount, err := money.ParseAmount(row[len(row)-1])
		if err != nil {
			return err
		}
		found.rows++
		found.sum = found.sum.Add(amount)
	}
	if err := want.check(p, "the cells of the workbook", found.rows, found.sum); err != nil {
		return err
	}
	about, err := workbook.GetRows("说明", excelize.Options{RawCellValue: true})
	if err != nil {
		return err
	}
	for _, line := range about {
		if len(line) == 4 && line[0] == "合计" {
			stated, err := money.ParseAmount(line[3])
			if err != nil {
				return err
			}
			return want.check(p, "its sheet about itself", want.rows, stated)
		}
	}
	return errors.New("the workbook's sheet about itself has no total")
}

// checkParquet adds up the decimal column.
func (d desk) checkParquet(ctx context.Context, p *play, want bookSum) error {
	body, err := d.file(ctx, p, "the ledger for the data warehouse (Parquet)", ledgerPath+"file"+d.query+"&format=parquet&columns=amount")
	if err != nil {
		return err
	}
	rows, err := parquet.Read[struct {
		Amount *int64 `parquet:"amount,optional,decimal(2:18)"`
	}](bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	var found bookSum
	for _, row := range rows {
		found.rows++
		found.sum = found.sum.Add(money.Fen(*row.Amount))
	}
	return want.check(p, "the decimals of the Parquet file", found.rows, found.sum)
}

// checkBalance reads the balance of the book, where nothing has been repaid yet.
func (d desk) checkBalance(ctx context.Context, p *play, want bookSum) error {
	p.tell("%s reads the balance of the whole book (全部贷款余额)", d.manager.Name)
	page, err := drive.Ask[struct {
		Items [][]string `json:"items"`
	}](ctx, d.manager.session, drive.Read("/v1/reports/book-balance/rows"+d.asOf+"&columns=loans,paid_amount,balance"), http.StatusOK)
	if err != nil {
		return err
	}
	if len(page.Items) != 1 {
		return differs("the lines of the balance", len(page.Items), 1)
	}
	paid, err := money.ParseAmount(page.Items[0][1])
	if err != nil {
		return err
	}
	var loans int
	if _, err := fmt.Sscan(page.Items[0][0], &loans); err != nil {
		return err
	}
	return want.check(p, "the balance's payments", loans, paid)
}

func (d desk) checkChart(ctx context.Context, p *play, want bookSum) error {
	body, err := d.file(ctx, p, "the chart of what was paid each day", ledgerPath+"chart.svg"+d.query)
	if err != nil {
		return err
	}
	if !strings.Contains(string(body), want.sum.Grouped()) {
		return differs("the chart", string(body), want.sum)
	}
	return want.check(p, "the bar of today", want.rows, want.sum)
}

// checkOnePager looks for the sum on the branch's page; other products of the branch are on it as well.
func (d desk) checkOnePager(ctx context.Context, p *play, _ bookSum) error {
	body, err := d.file(ctx, p, "the page for the wall", "/v1/one-pager.html?branch_id="+d.branch)
	if err != nil {
		return err
	}
	if !strings.Contains(string(body), "本金余额") {
		return differs("the page", string(body), "a page with the balance")
	}
	p.pause()
	return nil
}
