// The round of calls with the client that ogen has made. BASE and KEY are in the environment.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"keyward.test/generators/ogen"
)

const app = "round"

func must[T any](answer T, err error) T {
	if err != nil {
		panic(err)
	}
	return answer
}

// The answer of one operation out of all that it may have.
func as[T any](answer any, err error) T {
	if err != nil {
		panic(err)
	}
	expected, is := answer.(T)
	insist(is, answer)
	return expected
}

func insist(holds bool, what ...any) {
	if !holds {
		panic(fmt.Sprintf("%+v", what))
	}
}

func text(amount float64) string {
	return strconv.FormatFloat(amount, 'f', -1, 64)
}

type bearer string

func (key bearer) BearerAuth(context.Context, ogen.OperationName) (ogen.BearerAuth, error) {
	return ogen.BearerAuth{Token: string(key)}, nil
}

func with(key string) *ogen.Client {
	return must(ogen.NewClient(os.Getenv("BASE"), bearer(key)))
}

func main() {
	ctx, client, now := context.Background(), with(os.Getenv("KEY")), time.Now()

	body := ogen.PostDealsReq{
		Title:              "Round",
		LoanAmount:         ogen.NewOptNilFloat64(16777217.25),
		LoanType:           ogen.NewOptNilPostDealsReqLoanType("construction"),
		EstimatedCloseDate: ogen.NewOptNilDate(time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)),
	}
	made := as[*ogen.PostDealsCreatedHeaders](client.PostDeals(ctx, &body, ogen.PostDealsParams{XOriginApp: app})).Response.Data
	fmt.Println("made", text(made.LoanAmount.Value))
	read := as[*ogen.GetDealsDealIdOKHeaders](client.GetDealsDealId(ctx, ogen.GetDealsDealIdParams{XOriginApp: app, DealID: made.ID})).Response.Data
	fmt.Printf("read %s, to close on %s\n", text(read.LoanAmount.Value), read.EstimatedCloseDate.Value.Format(time.DateOnly))
	from := func(time time.Time) int {
		list := ogen.GetDealsParams{XOriginApp: app, FilterCreatedAtGte: ogen.NewOptDateTime(time)}
		list.FilterLoanType = []ogen.GetDealsFilterLoanTypeItem{"construction", "land"}
		list.FilterLoanAmount = []float64{16777217.25}
		return len(as[*ogen.GetDealsOKHeaders](client.GetDeals(ctx, list)).Response.Data)
	}
	fmt.Printf("found %d made since an hour ago, %d made an hour from now\n", from(now.Add(-time.Hour)), from(now.Add(time.Hour)))
	change := ogen.PatchDealsDealIdReq{LoanAmount: ogen.NewOptNilFloat64(16777217.5)}
	changed := as[*ogen.PatchDealsDealIdOKHeaders](client.PatchDealsDealId(ctx, &change, ogen.PatchDealsDealIdParams{XOriginApp: app, DealID: made.ID})).Response.Data
	fmt.Println("changed to", text(changed.LoanAmount.Value))

	seen, total := map[int64]bool{}, int64(0)
	for list, more := (ogen.GetDealsParams{XOriginApp: app, Limit: ogen.NewOptInt32(2)}), true; more; {
		page := as[*ogen.GetDealsOKHeaders](client.GetDeals(ctx, list)).Response
		for _, deal := range page.Data {
			seen[deal.ID] = true
		}
		total = int64(page.Pagination.Total)
		list.Cursor, more = ogen.NewOptString(page.Pagination.NextCursor.Value), page.Pagination.NextCursor.Value != ""
	}
	insist(seen[made.ID] && int64(len(seen)) == total, seen, total)
	fmt.Println("walked over all deals")
	insist(as[*ogen.DeleteDealsDealIdOKHeaders](client.DeleteDealsDealId(ctx, ogen.DeleteDealsDealIdParams{XOriginApp: app, DealID: made.ID})).Response.Data.Deleted)
	insist(as[*ogen.GetDealsDealIdOKHeaders](client.GetDealsDealId(ctx, ogen.GetDealsDealIdParams{XOriginApp: app, DealID: made.ID})).Response.Data.Archived.Value)
	fmt.Println("archived")

	// Answers that are written out alike have one type, which is called by the first of them.
	status := func(secret string) int {
		switch answer := must(with(secret).GetMe(ctx, ogen.GetMeParams{XOriginApp: app})).(type) {
		case *ogen.GetMeOKHeaders:
			return 200
		case *ogen.GetAccountTeamUnauthorizedHeaders:
			return 401
		default:
			panic(fmt.Sprintf("%+v", answer))
		}
	}
	wanted := ogen.PostApiKeysReq{Label: "round", ExpiresAt: ogen.NewOptNilDateTime(now.Add(24 * time.Hour))}
	key := as[*ogen.PostApiKeysCreatedHeaders](client.PostApiKeys(ctx, &wanted, ogen.PostApiKeysParams{XOriginApp: app})).Response.Data
	insist(now.Add(24*time.Hour).Sub(key.ExpiresAt.Value).Abs() < 2*time.Second, key)
	insist(status(key.APIKey) == 200)
	fmt.Println("a key that ends in a day works")
	rotate := ogen.PostApiKeysKeyIdRotateParams{XOriginApp: app, KeyID: key.ID}
	rotated := as[*ogen.PostApiKeysKeyIdRotateOKHeaders](client.PostApiKeysKeyIdRotate(ctx, ogen.OptPostApiKeysKeyIdRotateReq{}, rotate)).Response.Data
	insist(status(rotated.APIKey) == 200)
	fmt.Println("rotated: the new secret works, the old one is", status(key.APIKey))
	insist(as[*ogen.DeleteApiKeysKeyIdOKHeaders](client.DeleteApiKeysKeyId(ctx, ogen.DeleteApiKeysKeyIdParams{XOriginApp: app, KeyID: key.ID})).Response.Data.Deleted)
	fmt.Println("revoked:", status(rotated.APIKey))
}
