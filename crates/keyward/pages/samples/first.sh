# The first three deals: title and amount. The id comes in any case.
curl -sS --fail-with-body "$API/deals?limit=3&fields=title,loan_amount" \
  -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration'
