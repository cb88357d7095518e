curl -s "$API/pipelines" -H "Authorization: Bearer $KEY" -H 'X-Origin-App: my-integration'
