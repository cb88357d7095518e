curl -s "$API/api-keys?limit=5" -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration'
