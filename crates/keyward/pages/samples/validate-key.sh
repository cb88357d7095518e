curl -s -X POST "$API/auth/validate-api-key" -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration'
