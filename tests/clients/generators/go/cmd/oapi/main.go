// The round of calls with the client that oapi-codegen has made. BASE and KEY are in the environment.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"keyward.test/generators/oapi"
)

const app = "round"

func must[T any](answer T, err error) T {
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

func to[T any](value T) *T {
	return &value
}

func with(key string) oapi.RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+key)
		return nil
	}
}

func main() {
	client := must(oapi.NewClientWithResponses(os.Getenv("BASE")))
	ctx, mine := context.Background(), with(os.Getenv("KEY"))
	now := time.Now()

	body := oapi.PostDealsJSONRequestBody{
		Title:              "Round",
		LoanAmount:         to(16777217.25),
		LoanType:           to(oapi.PostDealsJSONBodyLoanType("construction")),
		EstimatedCloseDate: &types.Date{Time: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)},
	}
	made := must(client.PostDealsWithResponse(ctx, &oapi.PostDealsParams{XOriginApp: app}, body, mine)).JSON201.Data
	fmt.Println("made", text(*made.LoanAmount))
	read := must(client.GetDealsDealIdWithResponse(ctx, made.Id, &oapi.GetDealsDealIdParams{XOriginApp: app}, mine)).JSON200.Data
	fmt.Printf("read %s, to close on %s\n", text(*read.LoanAmount), read.EstimatedCloseDate)
	from := func(time time.Time) int {
		list := oapi.GetDealsParams{XOriginApp: app, FilterCreatedAtGte: &time}
		list.FilterLoanType = &[]oapi.GetDealsParamsFilterLoanType{"construction", "land"}
		list.FilterLoanAmount = &[]float64{16777217.25}
		return len(must(client.GetDealsWithResponse(ctx, &list, mine)).JSON200.Data)
	}
	fmt.Printf("found %d made since an hour ago, %d made an hour from now\n", from(now.Add(-time.Hour)), from(now.Add(time.Hour)))
	change := oapi.PatchDealsDealIdJSONRequestBody{LoanAmount: to(16777217.5)}
	changed := must(client.PatchDealsDealIdWithResponse(ctx, made.Id, &oapi.PatchDealsDealIdParams{XOriginApp: app}, change, mine)).JSON200.Data
	fmt.Println("changed to", text(*changed.LoanAmount))

	seen, total := map[int64]bool{}, int64(0)
	for list, more := (oapi.GetDealsParams{XOriginApp: app, Limit: to(int32(2))}), true; more; {
		page := must(client.GetDealsWithResponse(ctx, &list, mine)).JSON200
		for _, deal := range page.Data {
			seen[deal.Id] = true
		}
		total = int64(page.Pagination.Total)
		list.Cursor, more = page.Pagination.NextCursor, page.Pagination.NextCursor != nil
	}
	insist(seen[made.Id] && int64(len(seen)) == total, seen, total)
	fmt.Println("walked over all deals")
	insist(must(client.DeleteDealsDealIdWithResponse(ctx, made.Id, &oapi.DeleteDealsDealIdParams{XOriginApp: app}, mine)).JSON200.Data.Deleted)
	insist(*must(client.GetDealsDealIdWithResponse(ctx, made.Id, &oapi.GetDealsDealIdParams{XOriginApp: app}, mine)).JSON200.Data.Archived)
	fmt.Println("archived")

	status := func(secret string) int {
		return must(client.GetMeWithResponse(ctx, &oapi.GetMeParams{XOriginApp: app}, with(secret))).StatusCode()
	}
	wanted := oapi.PostApiKeysJSONRequestBody{Label: "round", ExpiresAt: to(now.Add(24 * time.Hour))}
	key := must(client.PostApiKeysWithResponse(ctx, &oapi.PostApiKeysParams{XOriginApp: app}, wanted, mine)).JSON201.Data
	insist(now.Add(24*time.Hour).Sub(*key.ExpiresAt).Abs() < 2*time.Second, key)
	insist(status(key.ApiKey) == 200)
	fmt.Println("a key that ends in a day works")
	rotated := must(client.PostApiKeysKeyIdRotateWithResponse(ctx, key.Id, &oapi.PostApiKeysKeyIdRotateParams{XOriginApp: app}, oapi.PostApiKeysKeyIdRotateJSONRequestBody{}, mine)).JSON200.Data
	insist(status(rotated.ApiKey) == 200)
	fmt.Println("rotated: the new secret works, the old one is", status(key.ApiKey))
	insist(must(client.DeleteApiKeysKeyIdWithResponse(ctx, key.Id, &oapi.DeleteApiKeysKeyIdParams{XOriginApp: app}, mine)).JSON200.Data.Deleted)
	fmt.Println("revoked:", status(rotated.ApiKey))
}
