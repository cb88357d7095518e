curl -s "$API/deals?limit=2" -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration'
