// The round of calls with the client that openapi-generator has made. BASE and KEY are in the environment.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"keyward.test/generators/openapi"
)

const app = "round"

func must[T any](answer T, _ *http.Response, err error) T {
	if err != nil {
		panic(err)
	}
	return answer
}

func insist(holds bool, what ...any) {
	if !holds {
		panic(fmt.Sprint(what...))
	}
}

// Amounts are float64 in what is generated; anything less does not compile.
func text(amount float64) string {
	return strconv.FormatFloat(amount, 'f', -1, 64)
}

func with(key string) context.Context {
	return context.WithValue(context.Background(), openapi.ContextAccessToken, key)
}

func main() {
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Getenv("BASE")}}
	client := openapi.NewAPIClient(configuration)
	ctx, deals, keys := with(os.Getenv("KEY")), client.DealsAPI, client.APIKeysAPI
	now := time.Now()

	body := openapi.NewPostDealsRequest("Round")
	body.SetLoanAmount(16777217.25)
	body.SetLoanType("construction")
	body.SetEstimatedCloseDate("2027-03-31")
	made := must(deals.PostDeals(ctx).XOriginApp(app).PostDealsRequest(*body).Execute()).Data
	fmt.Println("made", text(*made.LoanAmount.Get()))
	read := must(deals.GetDealsDealId(ctx, made.Id).XOriginApp(app).Execute()).Data
	fmt.Printf("read %s, to close on %s\n", text(*read.LoanAmount.Get()), read.GetEstimatedCloseDate())
	from := func(time time.Time) int {
		// Not by the amount: this generator writes numbers into a query with the digits of a float32.
		list := deals.GetDeals(ctx).XOriginApp(app).FilterCreatedAtGte(time).Limit(200)
		page := must(list.FilterLoanType([]string{"construction", "land"}).Execute()).Data
		return len(slices.DeleteFunc(page, func(deal openapi.PartialDeal) bool { return deal.GetTitle() != "Round" }))
	}
	fmt.Printf("found %d made since an hour ago, %d made an hour from now\n", from(now.Add(-time.Hour)), from(now.Add(time.Hour)))
	change := openapi.NewPatchDealsDealIdRequest()
	change.SetLoanAmount(16777217.5)
	changed := must(deals.PatchDealsDealId(ctx, made.Id).XOriginApp(app).PatchDealsDealIdRequest(*change).Execute()).Data
	fmt.Println("changed to", text(*changed.LoanAmount.Get()))

	seen, total := map[int64]bool{}, int64(0)
	for list, more := deals.GetDeals(ctx).XOriginApp(app).Limit(2), true; more; {
		page := must(list.Execute())
		for _, deal := range page.Data {
			seen[deal.Id] = true
		}
		total = int64(page.Pagination.GetTotal())
		next := page.Pagination.GetNextCursor()
		list, more = list.Cursor(next), next != ""
	}
	insist(seen[made.Id] && int64(len(seen)) == total, seen, total)
	fmt.Println("walked over all deals")
	insist(must(deals.DeleteDealsDealId(ctx, made.Id).XOriginApp(app).Execute()).Data.Deleted)
	archived := must(deals.GetDealsDealId(ctx, made.Id).XOriginApp(app).Execute()).Data
	insist(archived.GetArchived())
	fmt.Println("archived")

	status := func(secret string) int {
		_, answer, _ := client.AccountAPI.GetMe(with(secret)).XOriginApp(app).Execute()
		return answer.StatusCode
	}
	wanted := openapi.NewPostApiKeysRequest("round")
	wanted.SetExpiresAt(now.Add(24 * time.Hour))
	key := must(keys.PostApiKeys(ctx).XOriginApp(app).PostApiKeysRequest(*wanted).Execute()).Data
	insist(now.Add(24*time.Hour).Sub(*key.ExpiresAt.Get()).Abs() < 2*time.Second, key)
	insist(status(key.ApiKey) == 200)
	fmt.Println("a key that ends in a day works")
	rotated := must(keys.PostApiKeysKeyIdRotate(ctx, key.Id).XOriginApp(app).Execute()).Data
	insist(status(rotated.ApiKey) == 200)
	fmt.Println("rotated: the new secret works, the old one is", status(key.ApiKey))
	insist(must(keys.DeleteApiKeysKeyId(ctx, key.Id).XOriginApp(app).Execute()).Data.Deleted)
	fmt.Println("revoked:", status(rotated.ApiKey))
}
