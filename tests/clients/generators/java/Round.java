// The round of calls with a client that openapi-generator has made. Its two libraries differ in Clients.java alone. BASE and KEY
// are in the environment.

import java.time.Duration;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.HashSet;
import java.util.List;
import lev.ApiClient;
import lev.ApiException;
import lev.api.AccountApi;
import lev.api.ApiKeysApi;
import lev.api.DealsApi;
import lev.model.ApiKeyWithSecret;
import lev.model.Deal;
import lev.model.GetDeals200Response;
import lev.model.PartialDeal;
import lev.model.PatchDealsDealIdRequest;
import lev.model.PostApiKeysRequest;
import lev.model.PostDealsRequest;

public class Round {
    static final String APP = "round";

    static int status(String secret) {
        try {
            return new AccountApi(Clients.client(secret)).getMeWithHttpInfo(APP, null).getStatusCode();
        } catch (ApiException refused) {
            return refused.getCode();
        }
    }

    static void insist(boolean holds, Object what) {
        if (!holds) {
            throw new IllegalStateException(String.valueOf(what));
        }
    }

    static GetDeals200Response list(
            DealsApi deals, Integer limit, String cursor, List<String> kinds, List<Double> amounts, OffsetDateTime from)
            throws ApiException {
        return deals.getDeals(APP, null, null, limit, cursor, null, null, null, null, kinds, null, null, null, amounts,
                null, null, null, null, null, from, null, null, null, null, null, null);
    }

    static int found(DealsApi deals, OffsetDateTime from) throws ApiException {
        return list(deals, null, null, List.of("construction", "land"), List.of(16777217.25), from).getData().size();
    }

    /** Without an exponent, so that the cents can be seen. */
    static String text(double amount) {
        return new java.math.BigDecimal(amount).toPlainString();
    }

    public static void main(String[] arguments) throws ApiException {
        ApiClient mine = Clients.client(System.getenv("KEY"));
        DealsApi deals = new DealsApi(mine);
        ApiKeysApi keys = new ApiKeysApi(mine);
        OffsetDateTime now = OffsetDateTime.now();

        PostDealsRequest body = new PostDealsRequest()
                .title("Round")
                .loanAmount(16777217.25)
                .loanType(PostDealsRequest.LoanTypeEnum.CONSTRUCTION)
                .estimatedCloseDate(LocalDate.of(2027, 3, 31));
        Deal made = deals.postDeals(APP, body, null, null).getData();
        System.out.println("made " + text(made.getLoanAmount()));
        PartialDeal read = deals.getDealsDealId(APP, made.getId(), null, null, null, null).getData();
        System.out.println("read " + text(read.getLoanAmount()) + ", to close on " + read.getEstimatedCloseDate());
        System.out.println("found " + found(deals, now.minusHours(1)) + " made since an hour ago, "
                + found(deals, now.plusHours(1)) + " made an hour from now");
        PatchDealsDealIdRequest change = new PatchDealsDealIdRequest().loanAmount(16777217.5);
        Deal changed = deals.patchDealsDealId(APP, made.getId(), change, null, null, null).getData();
        System.out.println("changed to " + text(changed.getLoanAmount()));

        HashSet<Long> seen = new HashSet<>();
        String cursor = null;
        long total;
        do {
            GetDeals200Response page = list(deals, 2, cursor, null, null, null);
            page.getData().forEach(deal -> seen.add(deal.getId()));
            total = page.getPagination().getTotal();
            cursor = page.getPagination().getNextCursor();
        } while (cursor != null);
        insist(seen.contains(made.getId()) && seen.size() == total, seen);
        System.out.println("walked over all deals");
        insist(deals.deleteDealsDealId(APP, made.getId(), null, null, null).getData().getDeleted(), made);
        insist(deals.getDealsDealId(APP, made.getId(), null, null, null, null).getData().getArchived(), made);
        System.out.println("archived");

        OffsetDateTime end = now.plusDays(1);
        // The class begins with an empty list, which the server refuses: a key without rights is nobody's wish.
        PostApiKeysRequest wanted = new PostApiKeysRequest().label("round").scopes(null).expiresAt(end);
        ApiKeyWithSecret key = keys.postApiKeys(APP, wanted, null, null).getData();
        insist(Duration.between(key.getExpiresAt(), end).abs().getSeconds() < 2, key.getExpiresAt());
        insist(status(key.getApiKey()) == 200, key);
        System.out.println("a key that ends in a day works");
        ApiKeyWithSecret rotated = keys.postApiKeysKeyIdRotate(APP, key.getId(), null, null, null).getData();
        insist(status(rotated.getApiKey()) == 200, rotated);
        System.out.println("rotated: the new secret works, the old one is " + status(key.getApiKey()));
        insist(keys.deleteApiKeysKeyId(APP, key.getId(), null, null, null).getData().getDeleted(), key);
        System.out.println("revoked: " + status(rotated.getApiKey()));
    }
}
