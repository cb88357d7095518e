curl -s "$API/me" -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration'
